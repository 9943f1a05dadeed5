"""`fevergate calibrate`: guides a person through a calibration and sends it to the kiosk."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import fmean
from typing import Any

import click
from msgspec.structs import replace
from sqlite_utils import Database

from fevergate.command_line.options import by_option, settings_option
from fevergate.command_line.waiting import until
from fevergate.errors import NothingFoundError
from fevergate.kiosks.calibration import PEOPLE, SCANS, from_black_bodies, from_people
from fevergate.kiosks.calibration_prompts import (
    agreed,
    black_bodies,
    calibration_options,
    record_of,
    say_read,
)
from fevergate.kiosks.remote_settings import current, put
from fevergate.kiosks.supply import supply_of
from fevergate.mqtt.one_shot import publish_once
from fevergate.protocol.messages import CalibrationRecord, Command, encode
from fevergate.protocol.topics import Topic
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.settings.shell_completion import complete_kiosk
from fevergate.storage.connection import open_reader
from fevergate.texts.translations import side_by_side
from kiosk.estimate import SITES, body_c, through_emissivity

SILENT_S = 180
"""A kiosk that has sent nothing for longer than this cannot be calibrated."""

APPLIED_S = 20
"""Longest wait for the kiosk's confirmation."""

SCAN_S = 120
"""How long somebody may take to step up to the kiosk."""


@click.command("calibrate")
@click.argument("kiosk", shell_complete=complete_kiosk)
@by_option("Your name; kept with the calibration.")
@click.option(
    "--reference",
    type=click.Choice(["blackbody", "axillary", "oral"]),
    default="blackbody",
    show_default=True,
    help="A black body, or ten people measured with a clinical thermometer (armpit or mouth).",
)
@calibration_options("kiosk")
@settings_option("gateway.toml")
def calibrate_command(
    kiosk: str,
    by: str,
    reference: str,
    reference_u_c: float,
    room_c: float | None,
    yes: bool,
    settings_path: Path,
) -> None:
    """Calibrate the sensor of KIOSK against a reference, step by step.

    During the calibration the kiosk shows that it is being calibrated, and nothing that it scans
    counts as a person. One black body near 37 °C gives an offset. A second one, at least 2 °C away,
    gives a line. Each is scanned three times. With a clinical thermometer instead, ten people at
    rest are scanned once each. A result that no working sensor can have is refused.

    The gateway keeps the sensor's number, the day, your name, the uncertainty and the supply
    voltage in the settings. `fevergate doctor` reports if the calibration is older than a year, or
    if that voltage in the settings has changed.

    \b
      fevergate calibrate north-1 --by "Li Wei" --room 22.4
      fevergate calibrate north-1 --by "Li Wei" --reference axillary
    """
    settings = load_gateway(settings_path).as_user("admin")
    settings.expect_kiosks(kiosk)
    with open_reader(settings.path(settings.database)) as database:
        sensor, site = _unit(database, kiosk)
        # The block lasts until the person has agreed, because a black body that is still held up
        # must not count as a fever.
        with Scans(database, settings, kiosk) as scans:
            points, clinical_c = [], []
            if reference == "blackbody":
                points = black_bodies(scans.forget, scans.again)
                click.echo(side_by_side("Take the black body away."))
            else:
                clinical_c = _people(scans)
            if room_c is None:
                can_over_air_c = _can_over_air(database, kiosk, sensor)
            else:
                can_over_air_c = round(fmean(row["ambient_c"] for row in scans.rows) - room_c, 2)
            if points:
                result = from_black_bodies(points, reference_u_c)
            else:
                pairs = [
                    (person_c, _uncalibrated_c(scan, can_over_air_c, site))
                    for person_c, scan in zip(clinical_c, scans.rows, strict=True)
                ]
                result = from_people(pairs, reference_u_c, oral=reference == "oral")
            record = record_of(sensor, by, result, can_over_air_c, supply_of(settings, kiosk))
            if agreed(record, yes=yes):
                _put_in_force(settings, database, kiosk, record)


class Scans:
    """Waits for the kiosk's scans of references in the gateway's database. Within the `with` block
    the kiosk marks its scans as scans of a reference."""

    def __init__(self, database: Database, settings: GatewaySettings, kiosk: str) -> None:
        self._database = database
        self._settings = settings
        self._kiosk = kiosk
        self._rows_seen = self._count()
        self.rows: list[dict[str, Any]] = []

    def __enter__(self) -> Scans:
        self._refer(on=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._refer(on=False)

    def next(self) -> float:
        """Wait for the next scan; returns what the sensor read (°C).

        Raises `NothingFoundError` if none comes within `SCAN_S`.
        """
        row = until(self._newer, SCAN_S)
        if row is None:
            raise NothingFoundError(
                f"{self._kiosk}: no scan within {SCAN_S} s; is it on, with something before it?"
            )
        self._rows_seen += 1
        self.rows.append(row)
        return row["object_c"]

    def again(self, number: int) -> float:
        """Ask for scan `number` of a black body, and wait for it as `next` does."""
        click.echo(f"  scan {number} of {SCANS}: take it away, hold it up again ...")
        return self.next()

    def forget(self) -> None:
        """Skip the scans up to now, such as those made while somebody was typing.

        This also tells the kiosk again that references are scanned. The kiosk marks scans for only
        a quarter of an hour, and ten people with a thermometer under the arm take longer.
        """
        self._refer(on=True)
        self._rows_seen = self._count()

    def _refer(self, *, on: bool) -> None:
        topic = str(Topic(self._settings.campus, self._kiosk, "command"))
        publish_once(self._settings, topic, encode(Command(command="reference", on=on)))

    def _count(self) -> int:
        rows = self._database.execute(f"select count(*) {_REFERENCES}", (self._kiosk,))
        return rows.fetchone()[0]

    def _newer(self) -> dict[str, Any] | None:
        rows = self._database.query(
            f"select object_c, ambient_c {_REFERENCES} order by received_at, boot, seq"
            " limit 1 offset ?",
            (self._kiosk, self._rows_seen),
        )
        return next(rows, None)


_REFERENCES = "from readings where kiosk = ? and reason = 'reference' and object_c is not null"


def _people(scans: Scans) -> list[float]:
    """Ask for the clinical temperature (°C) of each person, and wait for the person's scan."""
    clinical_c = []
    for number in range(PEOPLE):
        clinical_c.append(
            click.prompt(
                side_by_side(
                    "Person {number} of {people}: clinical thermometer, °C",
                    number=number + 1,
                    people=PEOPLE,
                ),
                type=float,
            )
        )
        scans.forget()
        click.echo("  " + side_by_side("now look at the mark ..."))
        say_read(scans.next())
    return clinical_c


def _uncalibrated_c(scan: dict[str, Any], can_over_air_c: float, site: str) -> float:
    """The body temperature (°C) that the kiosk would state for a scan if its sensor had no
    calibration."""
    air_c = scan["ambient_c"] - can_over_air_c
    return body_c(through_emissivity(scan["object_c"], air_c), air_c, SITES[site])


def _unit(database: Database, kiosk: str) -> tuple[str, str]:
    """The kiosk's sensor and measuring site. Raises `NothingFoundError` if unknown or silent."""
    row = database.execute(
        "select last_seen, health ->> '$.sensor', health ->> '$.site' from kiosks where kiosk = ?",
        (kiosk,),
    ).fetchone()
    if row is None or not row[1] or row[2] not in SITES:
        raise NothingFoundError(f"{kiosk}: has not reported its sensor's number and site yet")
    if time.time() - row[0] > SILENT_S:
        raise NothingFoundError(f"{kiosk}: silent for {time.time() - row[0]:.0f} s")
    return row[1], row[2]


def _can_over_air(database: Database, kiosk: str, sensor: str) -> float:
    """How much warmer the sensor's can is than the air (°C) by the last calibration; 0 without a
    calibration."""
    row = database.execute(
        "select can_over_air_c from calibrations where kiosk = ? and sensor = ?"
        " order by at desc limit 1",
        (kiosk, sensor),
    ).fetchone()
    return row[0] if row else 0.0


def _put_in_force(
    settings: GatewaySettings, database: Database, kiosk: str, record: CalibrationRecord
) -> None:
    """Send the calibration with the kiosk's settings and wait a while for its confirmation."""
    put(settings, kiosk, replace(current(settings, kiosk), calibration=record))

    def applied() -> bool | None:
        row = database.execute(
            "select 1 from calibrations where kiosk = ? and at = ?", (kiosk, record.at)
        ).fetchone()
        return bool(row) or None

    if until(applied, APPLIED_S):
        click.echo(side_by_side("{kiosk}: in force", kiosk=kiosk))
    else:
        click.echo(
            f"{kiosk}: sent, not yet confirmed; it takes effect when the kiosk is online"
            " (fevergate doctor shows it)"
        )
