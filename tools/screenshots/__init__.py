"""The README's pictures, taken of the running system."""
