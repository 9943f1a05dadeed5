"""The broker's own side: its files, its start, its limits."""
