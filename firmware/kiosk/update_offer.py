"""What an update is offered with, and what of it is signed. Pure: the gateway signs with it."""

from kiosk.errors import UpdateError

SIZE_MAX = 400_000  # with the slots less than half of the flash
PIECE_MAX = 1000  # with its offset below what a message may have
_BOARDS_MAX = 100  # characters of their names with a comma between
_DIGEST = 64

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
    """Whether it is an offer at all, yet to be verified. Raises `UpdateError`."""
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
    """What the signature of an offer to one kiosk is over, as bytes."""
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
    """The first line of a bundle."""
    return ("FeverGate bundle 2 %s %d %s\n" % (version, abi, _joined(boards))).encode()


def _joined(boards):
    return ",".join(boards)


def parts(version):
    """(major, minor, patch) of a version. Raises `UpdateError`."""
    found = version.split(".")
    if len(found) != 3 or not all(part.isdigit() and len(part) < 4 for part in found):
        raise UpdateError("version: expected three numbers")
    return tuple([int(part) for part in found])
