"""`fevergate acknowledge` and `fevergate lamps`: a person's requests to a gate of this gateway."""

from collections.abc import Callable
from pathlib import Path

import click

from fevergate.command_line.options import by_option, settings_option
from fevergate.command_line.waiting import until
from fevergate.errors import BrokerError, NothingFoundError, PinsError
from fevergate.protocol.alarm_messages import Acknowledge, AlarmState, LampTest
from fevergate.protocol.lamp_answer import DARK, answer
from fevergate.protocol.messages import decode, encode
from fevergate.protocol.topics import acknowledge_topic, alarm_topic, lamp_test_topic
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.settings.shell_completion import complete_gate
from fevergate.texts.translations import translator

ANSWER_S = 10.0
"""Longest wait for the gateway to do as requested."""


@click.command("acknowledge")
@click.argument("gate", shell_complete=complete_gate)
@by_option("Your name; the fever log shows it.")
@settings_option("gateway.toml")
def acknowledge_command(gate: str, by: str, settings_path: Path) -> None:
    """Acknowledge the red light of GATE, as its button does.

    Run it as a user who can read admin.password beside the settings.

    \b
      fevergate acknowledge north --by "Li Wei"
    """
    settings = _as_admin(settings_path, gate)
    say = translator(settings.language)
    name = settings.gate_title(gate, settings.language)
    if _is_clear(_state(settings, gate)):
        click.echo(say("{gate}: no red light burns; there is nothing to acknowledge.", gate=name))
        return
    _publish(settings, gate, by, acknowledge_topic, Acknowledge)
    if not until(lambda: _is_clear(_state(settings, gate)), ANSWER_S):
        raise BrokerError(
            say("{gate}: no answer to the acknowledgement; press the button at the gate", gate=name)
        )
    click.echo(say("{gate}: acknowledged by {by}.", gate=name, by=by))


@click.group("lamps")
def lamps_group() -> None:
    """Test a gate's lamps, or, while no gateway runs, switch all lamps but amber off."""


@lamps_group.command("rest")
@settings_option("gateway.toml")
def rest_command(settings_path: Path) -> None:
    """Turn the pins of all lamps into inputs, so that only amber is lit.

    The service runs this whenever the gateway has ended. It also works if the gateway was killed,
    or if its settings cannot be read. A pin that another program uses stays as it is, and is named.

    Exit code 2: a pin could not be made an input.
    """
    from fevergate.alarm.pins_at_rest import make_inputs, output_pins

    refused = make_inputs(output_pins(settings_path))
    if refused:
        raise PinsError("; ".join(f"GPIO {pin}: {why}" for pin, why in refused.items()))


@lamps_group.command("test")
@click.argument("gate", shell_complete=complete_gate)
@by_option("Your name; kept with the time of the test.")
@settings_option("gateway.toml")
def test_command(gate: str, by: str, settings_path: Path) -> None:
    """Test the lamps of GATE: red, amber, green, then the sound, two seconds each.

    The test does not count as a fever and opens no door. The board shows that it is a test, and a
    fever ends it. Run it as a user who can read admin.password beside the settings.

    \b
      fevergate lamps test north --by "Li Wei"
    """
    settings = _as_admin(settings_path, gate)
    if not settings.has_lamps(gate):
        raise PinsError(f"{gate}: this gate has no lamps of its own")
    _publish(settings, gate, by, lamp_test_topic, LampTest)
    _wait_for_answer(settings, gate)
    title = settings.gate_title(gate, settings.language)
    click.echo(f"{title}: red, amber, green, sound: look and listen; noted for {by}")


def _wait_for_answer(settings: GatewaySettings, gate: str) -> None:
    """Wait until the gateway announces the test.

    Raises `PinsError` where it refuses the test, `BrokerError` where it does not answer.
    """

    def begun() -> bool | None:
        state = _state(settings, gate)
        result = answer(state)
        if result == "red":
            raise PinsError(f"{gate} is red: its lamps are not tested now")
        if state and result == "dark":
            (why, *_) = (line for line in state.amber if line.startswith(DARK))
            raise PinsError(f"{gate}: {why}")
        return result == "begun" or None

    if not until(begun, ANSWER_S):
        raise BrokerError(
            f"{gate}: no test began; does the gateway run, and is the broker's access list of this"
            " version (run fevergate provision gateway again, as before)?"
        )


def _as_admin(settings_path: Path, gate: str) -> GatewaySettings:
    """Settings for a connection as user `admin`, whose password is the file admin.password beside
    them.

    Raises `NothingFoundError` for an unknown gate, `SettingsError`.
    """
    settings = load_gateway(settings_path).as_user("admin")
    gates = [gate_settings.name for gate_settings in settings.gates]
    if gate not in gates:
        raise NothingFoundError(f"gate {gate!r}: expected one of {', '.join(gates)}")
    return settings


def _state(settings: GatewaySettings, gate: str) -> AlarmState | None:
    """The state of a gate's lamps as the gateway announced it, if it did. Raises `BrokerError`."""
    from fevergate.mqtt.one_shot import read_retained

    payload = read_retained(settings, alarm_topic(settings.campus, gate))
    return decode(payload, AlarmState) if payload else None


def _is_clear(state: AlarmState | None) -> bool | None:
    return True if state and state.state == "clear" else None


def _publish(
    settings: GatewaySettings,
    gate: str,
    by: str,
    topic: Callable[[str, str], str],
    message: type[Acknowledge] | type[LampTest],
) -> None:
    """Publish `message` of `by` on `topic(campus, gate)`. Raises `BrokerError`."""
    from fevergate.mqtt.one_shot import publish_once

    publish_once(settings, topic(settings.campus, gate), encode(message(by=by)))
