"""What any program here asks of its machine: files, threads, clocks, logs, chips."""
