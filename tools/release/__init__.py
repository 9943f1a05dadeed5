"""What a release is made of: locked packages, their bill of materials, the Debian package.

Not named `packaging`: a package of that name, from PyPI, is imported here.
"""
