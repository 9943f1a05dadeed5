"""The campus server: gathers what the gateways forward, and makes the daily report of it.

`database` and `schema` lie at the bottom; `receiver` takes deliveries into `summary_store`,
`report` makes a day of them, `report_versions` keeps its versions, `scheduler` does what is due;
the pages are on top.
"""
