"""The running gateway: connects broker, alarm, storage and forwarding.

`process` runs `service`, which builds and supervises the parts. `ingest` takes the broker's
messages, past `flood_guard`, and hands those about a gate's alarm to `alarm_ingest`; `cards`
answers taps, `beat` tells lamp posts that the alarm is alive. `store_opener` and `restore_alarms`
recover what an earlier run left; `clock_keeper`, `slow_checks`, `kiosk_time`, `lamp_test`,
`unrecorded`, `run_state`, `metrics` and `home_assistant` do one thing each.
"""
