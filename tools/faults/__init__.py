"""`tools/chaos`: faults of every kind while people walk by, and what became of everything."""
