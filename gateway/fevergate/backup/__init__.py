"""A whole gateway in one file, and back."""
