"""Texts for people, in Chinese and English.

`translations`: the one catalogue, for pages, terminal, notices and PDF. `word_tables`: texts by the
value that selects them. `trouble_text`: reasons of an amber light. `refusal_text`: reasons of the
campus server's refusals. `network_text`: reasons of a failed connection.
"""
