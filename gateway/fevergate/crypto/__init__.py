"""The private certificate authority, sealed fields and encrypted files."""
