"""Where a reading is stored: SQLite, one writer, each reading once."""
