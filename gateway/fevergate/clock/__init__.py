"""What a time is worth, and what the machine's clock goes by."""
