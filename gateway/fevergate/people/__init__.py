"""The list of people who may enter and who must be measured, with names sealed.

`store` reads it, at a gateway (`people.db`, tables in `schema`) and at the campus server (its own
database, `campus/schema.py`). `passes`: visitors' passes, at a gateway alone.
"""
