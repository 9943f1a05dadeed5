"""A gateway's folder for the tests of `fevergate provision`."""

from fevergate.provision import provision

GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}


def make(folder, **options):
    values = {"campus": "east", "gateway": "gw-east", "gates": GATES}
    return provision(folder, **(values | options))


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
