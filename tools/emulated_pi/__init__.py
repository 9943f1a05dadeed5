"""An emulated Raspberry Pi 3B as a gateway: built, booted, played with, judged by its pins."""
