"""The campus server: gathers what the gateways forward, and makes the daily report of it.

`database` and `tables` lie at the bottom; `receive` takes deliveries into `store`, `report` makes a
day of them, `reports` keeps its versions, `clerk` does what is due; pages and mail are on top.
"""
