"""The campus server: gathers what the gateways forward, and makes the daily report of it.

`receiver` takes deliveries into `summary_store` (on `database` and `schema`), `assemble` makes a
day's `report` of them, `report_versions` keeps its versions, `scheduler` runs what is due,
`escalation` posts notices, `pages` shows it all, `app` puts it together.
"""
