"""What people read, in Chinese and English."""
