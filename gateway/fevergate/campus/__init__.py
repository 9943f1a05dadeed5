"""The campus server: gathers what the gateways forward, and makes the daily report of it.

`receiver` takes deliveries into `summary_store` (on `database` and `schema`), of which
`delivered_rows` decides what replaces what is held. `assemble` makes a day's `report` of them,
`report_sheet` and `report_tables` say it, `report_versions` keeps its versions. `scheduler` runs
what is due, `escalation` posts notices, `pages` shows it all, `app` puts it together. `marks` and
`day_rolls` say who of the list of people was measured, `fever_search` finds fevers of any day,
`strikes` takes back what a stolen token sent.
"""
