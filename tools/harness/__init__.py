"""A private site of real parts on this machine: broker, gateway, pages, campus server, kiosks.

Tests, demonstration, benchmarks and chaos run on it. It imports the product and the simulator, and
nothing of those.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
