"""What both web applications share: accounts, sessions, pages, exports."""
