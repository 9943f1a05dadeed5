"""The clock: decides whether a time can be believed.

`judge` holds the gateway's clock and the check of kiosks' dates, `votes` what the kiosks'
dates say of it, and `machine` what the machine says; `time_source` reports for `doctor` what the
machine's clock is set by.
"""
