"""A private site of real parts on this machine: broker, gateway, pages, campus server, kiosks.

Tests, demonstration, benchmarks and chaos trials are built on it; it imports only the product and
the simulator.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
