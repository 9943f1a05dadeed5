"""Renders the templates of pages and drawings in `templates/`."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - most are Markdown; the drawing escapes its words
)


def rendered(name: str, **values: Any) -> str:
    """Text of the file that `templates/NAME.jinja` describes."""
    return _TEMPLATES.get_template(f"{name}.jinja").render(values)
