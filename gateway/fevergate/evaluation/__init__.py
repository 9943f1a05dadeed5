"""How well the shipped decision finds fevers in people who were measured.

`people_file` reads them, `replay` judges them by the kiosk's own files and counts, `statistics`
states what chance leaves open; `command` and `plot` show it.
"""
