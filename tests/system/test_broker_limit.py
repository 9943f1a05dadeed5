"""One machine cannot take all the broker's connections, with the real mosquitto and kernel rule."""

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from unittest.mock import patch

import pytest
import real_micropython
from broker_client import HANG_S, password_of
from samples import settings

from fevergate.mosquitto import broker_files, connection_limit
from fevergate.mosquitto.broker_files import FILES
from fevergate.mosquitto.start_command import prepare, program
from fevergate.provision import provision
from simulator import child_process

MACHINE = real_micropython.ROOT / "gateway/machine"
PER_ADDRESS = 128
LET_IN = 600
"""Connections that this broker allows, in place of 3,000: fewer than the attacker opens."""

BROKER, KIOSK, NOBODY = "192.0.2.1", "192.0.2.2", "192.0.2.3"
"""Addresses for documentation (RFC 5737)."""

ATTACK = """
import resource, socket, sys, threading
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
held = []

def connect():
    try:
        held.append(socket.create_connection(("{broker}", 8883), 5, ("{nobody}", 0)))
    except OSError:
        pass

for _ in range(1100):
    connect()
print(len(held), flush=True)
ending = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()
while not ending.wait(0.01):
    connect()
"""


RATE, BURST = 64 * 1024, 256 * 1024
"""Bytes that one connection may send: per second, and at once."""

SINK = """
import socket, sys, threading
counts = {{}}

def take(line, address):
    while data := line.recv(65536):
        counts[address] = counts.get(address, 0) + len(data)
        if data.endswith(b"?"):
            line.sendall(b"!")

def serve(server):
    while True:
        line, (address, _) = server.accept()
        threading.Thread(target=take, args=(line, address), daemon=True).start()

server = socket.create_server(("{broker}", 8883))
threading.Thread(target=serve, args=(server,), daemon=True).start()
print("up", flush=True)
for address in sys.stdin:
    print(counts.get(address.strip(), 0), flush=True)
"""
"""Counts the bytes that each address sends, and answers a question mark with "!"."""

FLOOD = """
import socket
line = socket.create_connection(("{broker}", 8883), source_address=("{nobody}", 0))
while True:
    line.sendall(bytes(65536))
"""

ASK = """
import socket
for _ in range(20):
    with socket.create_connection(("{broker}", 8883), source_address=("{kiosk}", 0)) as line:
        line.sendall(bytes(1000) + b"?")
        assert line.recv(1) == b"!"
"""


@pytest.fixture
def campus(tmp_path):
    """Two network namespaces on one wire: `gateway` has the broker, `world` all other machines."""
    if os.geteuid() != 0:
        pytest.skip("only root makes networks")
    for tool in ("ip", "nft", "mosquitto_pub"):
        if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            pytest.skip(f"no {tool} here")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < FILES:
        pytest.skip(f"this machine gives no {FILES} open files")
    campus = Campus(tmp_path)
    try:
        campus.lay()
        yield campus
    finally:
        campus.take_down()


class Campus:
    def __init__(self, tmp_path):
        self.folder = tmp_path / "fevergate"
        self.names = {name: f"fg-{name}-{os.getpid()}" for name in ("gateway", "world")}
        self.broker = None
        self.tmp_path = tmp_path

    def command(self, side, *command):
        return ["ip", "netns", "exec", self.names[side], *command]

    def run(self, side, *command, check=True):
        return subprocess.run(
            self.command(side, *command), check=check, capture_output=True, text=True, timeout=60
        )

    def lay(self):
        gateway, world = self.names.values()
        for name in (gateway, world):
            result = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
            if result.returncode:
                pytest.skip(f"no network of its own here: {result.stderr.strip()}")
        subprocess.run(
            [
                *("ip", "link", "add", "wire", "netns", gateway),
                *("type", "veth", "peer", "name", "wire", "netns", world),
            ],
            check=True,
        )
        for side, addresses in (("gateway", [BROKER]), ("world", [KIOSK, NOBODY])):
            for address in addresses:
                self.run(side, "ip", "address", "add", f"{address}/24", "dev", "wire")
            self.run(side, "ip", "link", "set", "wire", "up")
            self.run(side, "ip", "link", "set", "lo", "up")

    def take_down(self):
        if self.broker:
            self.broker.kill()
            self.broker.wait()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)

    def serve(self):
        with patch.object(broker_files, "MAX_CONNECTIONS", LET_IN):
            provision(
                self.folder,
                campus="east",
                gateway="gw-east",
                gates={"north": ["north-1"]},
                broker_host=BROKER,
                bind="0.0.0.0",  # noqa: S104 - this network has no other machines
            )
        runtime = self.tmp_path / "runtime"
        runtime.mkdir()
        configuration = prepare(self.folder, runtime)
        self.broker = child_process.start(
            self.command("gateway", program(), "-c", str(configuration)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        resource.prlimit(self.broker.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        while not self.kiosk_is_let_in(NOBODY):
            assert self.broker.poll() is None

    def kiosk_is_let_in(self, address=KIOSK):
        result = self.run(
            "world",
            *("mosquitto_pub", "-h", BROKER, "-A", address, "-p", "8883", "-q", "1"),
            *("--cafile", str(self.folder / "ca.crt"), "-u", "north-1", "-i", "north-1"),
            *("-P", password_of(self, "north-1"), "-t", "fevergate/v1/east/north-1/status"),
            *("-m", "online"),
            check=False,
        )
        return result.returncode == 0

    def limit(self):
        """Load the limit as the systemd unit does."""
        unit = (MACHINE / connection_limit.UNIT).read_text()
        (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        command = start.replace("${PORT}", "8883")
        command = command.replace("/etc/fevergate-broker-limit.nft", f"{MACHINE}/broker-limit.nft")
        self.run("gateway", *shlex.split(command))

    def nobody(self):
        """Start an attacker who opens 1,100 idle connections, and goes on opening more."""
        attack = ATTACK.format(broker=BROKER, nobody=NOBODY)
        return subprocess.Popen(
            self.command("world", sys.executable, "-c", attack),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def test_1100_connections_of_one_address_do_not_keep_a_kiosk_of_another_out(campus):
    campus.serve()
    with campus.nobody() as attack:
        assert attack.stdout.readline() == "1100\n"
        assert not campus.kiosk_is_let_in(), "without the limit the attack did not succeed"
        attack.kill()
    campus.limit()
    campus.limit()  # a second time, as each start of the broker does
    with campus.nobody() as attack:
        assert attack.stdout.readline() == f"{PER_ADDRESS}\n"
        assert campus.kiosk_is_let_in() and campus.kiosk_is_let_in()
        assert not campus.kiosk_is_let_in(NOBODY)
        attack.kill()
    for _ in range(HANG_S * 10):
        if campus.kiosk_is_let_in(NOBODY):
            break
    else:
        pytest.fail("an address stays shut out, though its connections are gone")


def test_the_kernel_slows_down_a_kiosk_that_floods_and_no_other(campus):
    """Without the limit, another kiosk's fever would wait at the broker behind the flood."""
    campus.limit()
    words = {"broker": BROKER, "nobody": NOBODY, "kiosk": KIOSK}
    started: list[subprocess.Popen[str]] = []

    def start(side, script):
        command = campus.command(side, sys.executable, "-c", script.format(**words))
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe))
        return started[-1]

    try:
        sink = start("gateway", SINK)
        assert sink.stdin and sink.stdout
        assert sink.stdout.readline() == "up\n"
        began, count = time.monotonic(), 0
        start("world", FLOOD)
        while count < BURST // 2 or time.monotonic() < began + 1:
            sink.stdin.write(f"{NOBODY}\n")
            sink.stdin.flush()
            count = int(sink.stdout.readline())
        # A busy machine takes less in this time, never more.
        assert count < BURST + RATE * (time.monotonic() - began) + 65536
        campus.run("world", sys.executable, "-c", ASK.format(**words))
    finally:
        for process in started:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("nft", "state", "says"),
    [(False, "inactive", "apt-get install nftables"), (True, "failed", "systemctl restart")],
)
def test_doctor_warns_if_no_limit_is_in_force(tmp_path, monkeypatch, nft, state, says):
    (finding,) = look(tmp_path, monkeypatch, nft, state)
    assert finding.state == "warning" and says in finding.advice[1]
    assert "no address has a limit" in finding.text[1] and "占满" in finding.text[0]


def test_doctor_accepts_a_limit_in_force_and_asks_for_none_without_a_broker(tmp_path, monkeypatch):
    (finding,) = look(tmp_path, monkeypatch, True, "active")
    assert finding.state == "ok"
    (tmp_path / "mosquitto.conf").unlink()
    assert list(connection_limit.finding(placed(tmp_path))) == []


def look(folder, monkeypatch, nft, state):
    monkeypatch.setattr(connection_limit, "FOLDER", folder)
    monkeypatch.setattr(connection_limit, "NFT", folder / "nft")
    systemctl = folder / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho {state}; exit 3\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (folder / "mosquitto.conf").touch()
    if nft:
        (folder / "nft").touch()
    return list(connection_limit.finding(placed(folder)))


def placed(folder):
    gateway = settings()
    gateway.folder = folder
    return gateway
