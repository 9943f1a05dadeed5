"""Summaries to the campus server: `forwarder` empties the outbox, `http_sender` posts its items."""
