"""The list of people who may enter and who must be measured, with names sealed.

`store` reads it, at a gateway (`people.db`, tables in `schema`) and at the campus server (its own
database, `campus/schema.py`). `list_file` reads a new list from a file, `drafts` keeps it until
somebody has checked it, `changes` applies it, `copying` copies the list to a gateway. `policy`: who
may go in. `marks`: who was measured or excused; `roll`, `roll_keeper`: the figures of each day.
Only at a gateway: `card_list`, `card_learning` (cards), `passes` (visitors' passes), `presences`
(who tapped a card at a kiosk).
"""
