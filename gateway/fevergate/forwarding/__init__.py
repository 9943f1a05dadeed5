"""Store and forward to the campus server."""
