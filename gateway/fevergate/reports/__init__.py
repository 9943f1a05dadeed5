"""Reports that are read from storage.

`fevers`: fevers, one by one; `fever_log`: one day's log; `formats`: the log as table, CSV and JSON;
`kiosk_comparison`: kiosks that differ from their neighbours; `rescreen`: decides a day's scans
again under other settings; the command `strike`.
"""
