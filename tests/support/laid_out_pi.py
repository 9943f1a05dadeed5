"""Files as a Pi's kernel lays them out below /sys and /dev."""


def lay_out(root, model, revision, chips):
    """Lay out the files of a Pi below `root`; returns its roots of /sys and /dev. `chips` has, for
    each number of a GPIO chip, the device tree's names of the chip and of the device that the chip
    belongs to."""
    sys_, dev = root / "sys", root / "dev"
    (sys_ / "bus/gpio/devices").mkdir(parents=True)
    dev.mkdir()
    tree = sys_ / "firmware/devicetree/base"
    if model:
        (tree / "system").mkdir(parents=True)
        (tree / "model").write_bytes(model.encode() + b"\0")
    if revision:
        (tree / "system/linux,revision").write_bytes(revision.to_bytes(4, "big"))
    for number, names in chips.items():
        chip = sys_ / f"devices/platform/soc/{number}.gpio/gpiochip{number}"
        for folder, name in zip((chip, chip.parent), names, strict=True):
            (folder / "of_node").mkdir(parents=True)
            if name:
                (folder / "of_node/compatible").write_bytes(name.encode() + b"\0")
        link = f"../../../devices/platform/soc/{number}.gpio/gpiochip{number}"
        (sys_ / f"bus/gpio/devices/gpiochip{number}").symlink_to(link)
        (dev / f"gpiochip{number}").touch()
    return sys_, dev
