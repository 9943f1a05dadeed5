"""How well the shipped decision finds fevers in people who were measured.

`people_file` reads their measurements, `replay` judges them with the kiosk's own code,
`statistics` computes 95 % intervals and the ROC curve; `command` and `plot` show the result.
"""
