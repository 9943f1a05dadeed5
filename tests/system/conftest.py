"""Fixtures: a site with a real broker that a module's tests share, and a Debian that boots."""

import pytest

from harness.site import Site


@pytest.fixture(autouse=True, scope="module")
def unhurried_start():
    """Let a gateway in a test's own process wait up to 120 s for broker and store, because tests
    check what it shows right after its start. The change is undone at the end of each module."""
    from fevergate.gateway import restore_alarms, service

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restore_alarms, "CONNECT_S", 120)
        patch.setattr(service, "OPEN_S", 120)
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    gates = {"north": ["north-1", "north-2"]}
    with Site(tmp_path_factory.mktemp("site") / "fevergate", gates) as site:
        yield site


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Folder with the files that a person carries to a Pi to install the gateway."""
    from debian_gateway import carry

    shared = tmp_path_factory.mktemp("shared")
    carry(shared)
    return shared


@pytest.fixture(scope="session")
def debian(tmp_path_factory):
    """Root folder of a fresh Debian, without the gateway."""
    from debian_machine import bootstrap

    root = tmp_path_factory.mktemp("debian") / "root"
    bootstrap(root)
    return root


@pytest.fixture(scope="module")
def machine(debian, shared, tmp_path_factory):
    """A running copy of the fresh Debian; each test module has its own."""
    from debian_machine import Machine, copied

    with copied(debian, tmp_path_factory.mktemp("machine")) as root:
        machine = Machine(root, shared)
        machine.boot()
        yield machine
        machine.pull_the_plug()


@pytest.fixture(scope="module")
def before(machine):
    """Paths of all files of the machine before a test changed it."""
    return machine.files()
