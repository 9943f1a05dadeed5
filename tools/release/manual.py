"""Makes the manual page, in groff_man(7), from the commands' help texts."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from fevergate import __version__
from fevergate.cli import cli


def page(date: str) -> str:
    """Text of fevergate(1); `date` is copied unchanged into its header."""
    context = click.Context(cli, info_name="fevergate")
    lines = [
        f'.TH FEVERGATE 1 "{date}" "FeverGate {__version__}" "User Commands"',
        ".SH NAME",
        "fevergate \\- contactless fever screening at a campus gate",
        ".SH SYNOPSIS",
        ".B fevergate",
        ".I COMMAND",
        "[OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        *_paragraphs(cli.help or ""),
        ".SH COMMANDS",
    ]
    for name, command, inner in _commands(cli, context):
        usage = " ".join(command.collect_usage_pieces(inner))
        lines += [f".SS {_escaped(name)}", f".B fevergate {_escaped(name)}", _escaped(usage), ".PP"]
        lines += _paragraphs(command.help or "")
        for parameter in command.get_params(inner):
            record = parameter.get_help_record(inner)
            if record:
                lines += [".TP", f".B {_escaped(record[0])}", _escaped(record[1]) or "."]
    return "\n".join(lines) + "\n"


def _commands(
    group: click.Group, context: click.Context, before: str = ""
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command with its whole name and its context, groups before their commands."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        yield f"{before}{name}", command, inner
        if isinstance(command, click.Group):
            yield from _commands(command, inner, f"{before}{name} ")


def _paragraphs(text: str) -> list[str]:
    """Lines of a help text: paragraphs are filled, examples (after click's \\b) are kept."""
    lines: list[str] = []
    for paragraph in cleandoc(text).split("\n\n"):
        as_it_is = paragraph.startswith("\b\n")
        body = [_escaped(line) for line in paragraph.removeprefix("\b\n").split("\n")]
        lines += [".nf", *body, ".fi"] if as_it_is else body
        lines.append(".PP")
    return lines


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text
