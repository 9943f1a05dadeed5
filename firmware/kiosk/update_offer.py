"""Format of an update's offer and of its signed text. Pure; the gateway imports it too."""

from kiosk.errors import UpdateError

SIZE_MAX = 400_000  # bytes of a bundle; a bundle and both slots take less than half of the flash
PIECE_MAX = 1000  # bytes of a piece; a piece and its offset fit into a message
_BOARDS_MAX = 100  # characters of the boards' names, joined with commas
_DIGEST = 64  # hex digits of a SHA-256

_FIELDS = (
    ("version", str),
    ("issued", int),
    ("size", int),
    ("sha256", str),
    ("abi", int),
    ("boards", list),
    ("downgrade", bool),
    ("signature", str),
)


def check(offer):
    """Check the fields of an offer, but not its signature. Raises `UpdateError`."""
    if not isinstance(offer, dict):
        raise UpdateError("expected a JSON object")
    for name, kind in _FIELDS:
        value = offer.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise UpdateError("%s: expected %s" % (name, kind.__name__))
    if not 0 < offer["size"] <= SIZE_MAX:
        raise UpdateError("size: expected 1 to %d" % SIZE_MAX)
    if len(offer["sha256"]) != _DIGEST:
        raise UpdateError("sha256: expected %d hex digits" % _DIGEST)
    for board in offer["boards"]:
        if not isinstance(board, str) or not board:
            raise UpdateError("boards: expected names")
    if not 0 < len(_joined(offer["boards"])) <= _BOARDS_MAX:
        raise UpdateError("boards: expected 1 to %d characters" % _BOARDS_MAX)
    parts(offer["version"])


def signed_text(kiosk, offer):
    """The bytes that the signature of an offer to one kiosk covers."""
    text = "FeverGate update 2\n%s\n%s\n%d\n%d\n%s\n%d\n%s\n%d\n" % (
        kiosk,
        offer["version"],
        offer["issued"],
        offer["size"],
        offer["sha256"],
        offer["abi"],
        _joined(offer["boards"]),
        offer["downgrade"],
    )
    return text.encode()


def header(version, abi, boards):
    """The first line of a bundle, as bytes."""
    return ("FeverGate bundle 2 %s %d %s\n" % (version, abi, _joined(boards))).encode()


def _joined(boards):
    return ",".join(boards)


def parts(version):
    """(major, minor, patch) of a version. Raises `UpdateError`."""
    numbers = version.split(".")
    if len(numbers) != 3 or not all(part.isdigit() and len(part) < 4 for part in numbers):
        raise UpdateError("version: expected three numbers")
    return tuple([int(part) for part in numbers])
