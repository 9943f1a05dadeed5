"""The checks of `fevergate doctor`; each finding says what to do.

Every check runs, whatever the others find. An exception in a check becomes a finding too. No secret
is shown.
"""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from fevergate.clock import time_source
from fevergate.clock.judge import WAYS_OUT
from fevergate.command_line.finding import Finding, failed, finding, ok, warning
from fevergate.crypto import pki
from fevergate.errors import FeverGateError, ProvisionError, SettingsError
from fevergate.forwarding.http_sender import campus_context
from fevergate.mosquitto import connection_limit
from fevergate.mosquitto.broker_files import CLIENT_IDS
from fevergate.mqtt.one_shot import probe
from fevergate.operations import (
    doctor_desk,
    doctor_gateway,
    doctor_lamps,
    doctor_notices,
    doctor_people,
    doctor_posts,
    doctor_storage,
    doctor_supply,
)
from fevergate.operations.clock_command import in_words
from fevergate.provision.files import access_of
from fevergate.registers.declarations import FILE, read_registers
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.settings.settings_file import read_secret
from fevergate.storage.clock_memory import last_state
from fevergate.storage.connection import open_reader
from fevergate.texts.network_text import connection_error
from fevergate.texts.translations import N_, both

MIN_YEAR = 2025
"""A clock that shows an earlier year was never set."""


def examine(settings_path: Path) -> list[Finding]:
    """Run every check; if the settings cannot be read, that is the only finding."""
    try:
        settings = load_gateway(settings_path)
    except SettingsError as error:
        return [failed("settings", str(error), "mend that line, then try again")]
    findings = [ok("settings", f"{settings_path}")]
    for check in _CHECKS:
        try:
            findings += check(settings)
        except Exception as error:  # a check that raises must not stop the others
            text = f"{type(error).__name__}: {error}"
            findings.append(failed(check.__name__.lstrip("_"), text))
    return findings


def _broker(settings: GatewaySettings) -> Iterator[Finding]:
    address = "{}:{}".format(*settings.broker.addresses[0])
    try:
        took_ms = probe(settings) * 1000
    except FeverGateError as error:
        yield failed(
            "broker",
            "the broker cannot be used: {error}",
            "see systemctl status mosquitto, and [broker] in the settings",
            error=connection_error(error),
        )
    else:
        yield ok(
            "broker",
            "{address} verified, signed in, round trip {took_ms:.0f} ms",
            address=address,
            took_ms=took_ms,
        )
    path = settings.path("mosquitto.conf")
    if path.exists() and CLIENT_IDS not in path.read_text(errors="replace").splitlines():
        yield warning(
            "broker",
            "the broker's settings are old: one kiosk's credential can take another"
            " client's place, and keep a light dark",
            "run fevergate provision gateway once more",
        )
    if not _access_is_todays(settings):
        yield warning(
            "broker",
            "the broker's access list is not what this version writes: it may refuse what kiosks,"
            " lamp posts or pages need",
            "run fevergate provision upgrade {folder}",
            folder=settings.folder,
        )


def _access_is_todays(settings: GatewaySettings) -> bool:
    """Whether broker.acl is as `provision upgrade` writes it; True also if it cannot be checked."""
    path = settings.path("broker.acl")
    try:
        return path.read_text(errors="replace") == access_of(settings.folder, settings.campus)
    except (OSError, ProvisionError):
        return True


def _certificates(settings: GatewaySettings) -> Iterator[Finding]:
    for path in sorted(settings.folder.glob("*.crt")):
        left = pki.days_left(pki.read_certificate(path))
        yield finding(
            "failed" if left < 0 else "warning" if left < 90 else "ok",
            "certificates",
            "{name}: {left:.0f} days left",
            N_("run fevergate provision renew") if left < 90 else "",
            name=path.name,
            left=left,
        )


def _secrets(settings: GatewaySettings) -> Iterator[Finding]:
    names = ("*.key", "*.password", "*.token", "kiosks/*/*.json")
    open_to_all = [
        path.name
        for name in names
        for path in settings.folder.glob(name)
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and path.name != "broker.key"
    ]
    if open_to_all:
        files = ", ".join(sorted(open_to_all))
        yield failed("secrets", "others can read {files}", ("chmod 600", "chmod 600"), files=files)
    else:
        yield ok("secrets", "only their owner reads them")


def _clock(settings: GatewaySettings) -> Iterator[Finding]:
    now = datetime.now(UTC)
    local = now.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M:%S")
    if now.year < MIN_YEAR:
        yield failed("clock", local, "check network time: timedatectl")
        return
    path = settings.path(settings.database)
    if path.exists():
        with open_reader(path) as reader:
            state = last_state(reader)
        if state and not state.believed:
            text = both("{local} {state}", local=local, state=in_words(state))
            yield failed("clock", text, WAYS_OUT[state.why])
            return
    yield time_source.finding(now, settings.zone)


def _campus(settings: GatewaySettings) -> Iterator[Finding]:
    server = settings.campus_server
    if server is None:
        yield ok("campus", "no campus server is set")
        return
    try:
        token = read_secret(settings.path(server.token_file))
        context = campus_context(settings, server)
        with httpx.Client(base_url=server.url.rstrip("/"), verify=context, timeout=10) as client:
            client.get("/healthz").raise_for_status()
            # This request needs a valid token but gets no data: -1 is not a valid revision.
            bearer = {"Authorization": f"Bearer {token}"}
            answer = client.get("/v1/people?after=-1", headers=bearer)
    except (httpx.HTTPError, FeverGateError) as error:
        yield failed(
            "campus",
            "{url} does not answer: {error}",
            "summaries wait until it is back",
            url=server.url,
            error=connection_error(error),
        )
        return
    if answer.status_code == 401:
        yield failed(
            "campus",
            "{url} does not take this gateway's token",
            "it was revoked or replaced there; summaries wait. Have gateways/{gateway}.json made"
            " there, and give it to fevergate provision gateway --campus-server here",
            url=server.url,
            gateway=settings.gateway,
        )
    else:
        yield ok("campus", "{url} answers", url=server.url)


def _registers(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether the site's own registers, if it has any, are declared without errors."""
    if not settings.path(FILE).exists():
        return
    try:
        registers = read_registers(settings.folder)
    except SettingsError as error:
        advice = "mend that line, then restart the pages; until then the last sound ones hold"
        yield failed("registers", str(error), advice)
    else:
        yield ok("registers", ", ".join(registers))


_CHECKS = (
    _broker,
    connection_limit.finding,
    _certificates,
    _secrets,
    doctor_storage.database,
    doctor_storage.damaged,
    doctor_storage.refused,
    doctor_storage.retention,
    doctor_storage.calibrations,
    doctor_storage.drifts,
    doctor_storage.readers,
    doctor_supply.supplies,
    doctor_supply.changed,
    doctor_storage.disk,
    doctor_gateway.gateway,
    doctor_lamps.pins,
    doctor_lamps.outputs,
    doctor_lamps.lamps,
    doctor_posts.posts,
    doctor_desk.desk,
    _clock,
    _campus,
    doctor_notices.notices,
    doctor_people.people,
    _registers,
)
