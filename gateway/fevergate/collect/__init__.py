"""`fevergate collect`: raw readings of many campuses, from a shared subscription into PostgreSQL.

A reading flows one way: `broker → intake → writer → store (partitions, calendar)`. A collector
keeps no state of its own: the broker holds each message until PostgreSQL has committed it.
"""
