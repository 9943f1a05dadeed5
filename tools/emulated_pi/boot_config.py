"""Reads Raspberry Pi OS's config.txt as a Pi 3's firmware would; QEMU has no such firmware."""

BOOT_CONFIG = "/boot/firmware/config.txt"
STRICT = "dtparam=strict_gpiod"
"""Makes Raspberry Pi's kernel release a GPIO line when the program that drove it dies (Raspberry Pi
white paper on GPIO, "libgpiod"); the same as `pinctrl_bcm2835.persist_gpio_outputs=n`."""

FILTERS = ("[all]", "[pi3]")
"""Headings of sections that apply to a Pi 3B; each heading ends the section before it (Raspberry Pi
documentation, config.txt, "Conditional filters")."""


def in_effect(text: str) -> list[str]:
    """Lines that apply to a Pi 3B, without comments."""
    holds, lines = True, []
    for row in text.splitlines():
        line = row.partition("#")[0].strip()
        if line.startswith("["):
            holds = line in FILTERS
        elif line and holds:
            lines.append(line)
    return lines
