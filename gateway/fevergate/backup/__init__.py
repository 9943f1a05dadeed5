"""Backs up a whole gateway into one file, and restores it.

`archive`: the file's format. `gateway`: backup and restore. `closing`: archives a campus that is
closed, and wipes its gateway; `closing_note` notes its progress; `wiping` wipes one file.
"""
