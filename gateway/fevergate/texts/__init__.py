"""Texts for people, in Chinese and English.

`translations`: the one catalogue, for pages, terminal, notices and PDF. `trouble_text`: reasons of
an amber light.
"""
