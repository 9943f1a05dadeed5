"""Channels and texts that tell a person; without a database.

`texts` words a notice in both languages, `channels` and `mail` send it.
"""
