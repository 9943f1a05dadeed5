"""The machine below any program here: files, threads, clocks, logs and GPIO chips.

`atomic_file` writes files, `logging_setup` chooses the log's destination, `machine` identifies a
Raspberry Pi, `periodic_thread` works in rounds, `prometheus_server` serves metrics, `steady_clock`
measures durations in Unix time, `thread_errors` notes dead threads.
"""
