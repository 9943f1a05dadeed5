"""`fevergate collect`: raw readings of many campuses, from a shared subscription into PostgreSQL.

A reading flows one way: `broker → intake → writer → store (partitions, calendar)`. No state is
kept in the process: what is under way is the broker's, what is done is the database's.
"""
