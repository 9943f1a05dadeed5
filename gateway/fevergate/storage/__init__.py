"""The gateway's store: readings and all that is derived from them, in one SQLite database.

Writing: `writer_thread` owns the `store`, through `retrying_store`, which waits for the disk. The
store writes `records` through `record_writer`, `reading_batch` and `daily_rollup` into the tables
of `schema`; `meta` holds single values, `connection` opens databases.
Values: `coverage_bits` (watched minutes) and `sequence_set` (stored readings of a kiosk boot).
Around it: `outbox` and `epochs` (for the campus server), `strikes`, `clock_memory`, `retention` and
`recovery` from a damaged database; `skip_numpy` saves memory at import.
"""
