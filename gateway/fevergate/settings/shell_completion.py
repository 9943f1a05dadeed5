"""Completes gates and kiosks in the shell, from the settings that the command line names.

If they cannot be read, for example for lack of permission, nothing is offered.
"""

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from fevergate.errors import SettingsError
from fevergate.settings.gateway import GatewaySettings, load_gateway

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[GatewaySettings], Iterable[tuple[str, str]]]) -> Complete:
    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            settings = load_gateway(context.params["settings_path"])
        except (SettingsError, OSError, KeyError):
            return []
        values = context.params.get(parameter.name or "") or ()
        return [
            CompletionItem(name, help=title)
            for name, title in names(settings)
            if name.startswith(incomplete) and name not in values
        ]

    return complete


complete_gate = _completing(
    lambda settings: (
        (gate.name, settings.gate_title(gate.name, settings.language)) for gate in settings.gates
    )
)
complete_device = _completing(
    lambda settings: (
        (name, settings.kiosk_title(name, settings.language)) for name in settings.devices
    )
)
complete_kiosk = _completing(
    lambda settings: (
        (kiosk, settings.kiosk_title(kiosk, settings.language)) for kiosk in settings.kiosks
    )
)
