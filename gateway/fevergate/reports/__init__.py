"""Reports that are read from storage.

`fevers`: fevers, one by one; `fever_log`: one day's log; `formats`: the log as table, CSV and JSON;
`kiosk_comparison`: kiosks that differ from their neighbours; `rescreen`: the day decided again
under other settings; the command `strike`.
"""
