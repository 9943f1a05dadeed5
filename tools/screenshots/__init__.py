"""The README's pictures, taken of the running system."""

from harness import ROOT

PICTURES = ROOT / "hardware/pictures"
