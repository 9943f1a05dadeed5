"""Access to the machine: files, threads, clocks, logs and GPIO chips.

`atomic_file` writes files, `logging_setup` chooses the log's destination, `machine` identifies a
Raspberry Pi, `periodic_thread` repeats a task, `prometheus_server` serves metrics, `steady_clock`
measures durations in Unix time, `thread_errors` notes threads that ended by an error.
"""
