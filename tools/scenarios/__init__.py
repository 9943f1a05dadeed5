"""Days and months that are played on a private site, and held to what really happened in them."""
