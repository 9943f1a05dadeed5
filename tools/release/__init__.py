"""What a release is made of: locked packages, their bill of materials, the Debian package.

Not named `packaging`, since this room imports PyPI's package of that name.
"""
