"""Notices to people: their texts, and the channels that send them; without a database.

`texts` writes a notice in both languages, `channels` and `mail` send it.
"""
