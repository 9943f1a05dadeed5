"""Texts for people, in Chinese and English.

`translations`: gettext catalogues of the pages. `terminal_text`: tables of the command line.
`trouble_text`: reasons of an amber light.
"""
