"""A whole gateway in one file.

`archive`: the file's format. `gateway`: backup and restore. `closing`: the archive of a campus that
is closed, and the wiping of its gateway; `closing_note`: how far that is; `wiping`: of a file.
"""
