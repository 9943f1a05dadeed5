"""JSON schemas for other languages, whose regular expressions (ECMA-262) know no `\\Z`.

In Python `$` stands before a last line end, too, so patterns of what comes from outside end in
`\\Z`; in ECMA-262 `$` is the end.
"""

from typing import Any


def published(schema: Any) -> Any:
    """A schema, or a document with schemas, with its patterns as ECMA-262 has them."""
    if isinstance(schema, list | tuple):
        return [published(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.replace(r"\Z", "$")
        if key == "pattern" and isinstance(value, str)
        else published(value)
        for key, value in schema.items()
    }
