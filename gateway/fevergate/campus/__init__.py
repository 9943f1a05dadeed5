"""The campus server: collects what the gateways forward, and makes the daily report from it.

`receiver` puts deliveries into `summary_store` (on `database` and `schema`); `delivered_rows`
decides which stored rows they replace. `assemble` makes a day's `report` from the rows,
`report_sheet` and `report_tables` put it into words and tables, `report_versions` keeps its
versions. `scheduler` runs what is due, `escalation` posts notices, `pages` shows everything, and
`app` connects these parts. `marks` and `day_rolls` tell who on the list of people was measured,
`fever_search` finds fevers of any day, `strikes` removes what was sent with a stolen token.
"""
