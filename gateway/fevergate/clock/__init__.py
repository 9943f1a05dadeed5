"""The clock: decides whether a time can be believed.

`judge` has the gateway's clock and the check of kiosks' dates. `votes` counts which kiosks' dates
agree with the clock; `machine` asks the operating system about it. `time_source` finds, for
`doctor`, what sets the machine's clock.
"""
