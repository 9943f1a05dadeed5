"""The fever log and the other reports that are read from storage."""
