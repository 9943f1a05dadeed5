"""Makes the API's OpenAPI 3.1 document from the list of its operations and their types.

Source: spec.openapis.org/oas/v3.1.0.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct

from fevergate import __version__
from fevergate.protocol.json_schema import published
from fevergate.protocol.messages import NAME_PATTERN

Date = Annotated[
    str, Meta(pattern=r"^2[0-9]{3}-[0-9]{2}-[0-9]{2}\Z", extra_json_schema={"format": "date"})
]
T = TypeVar("T", bound=Callable[..., Any])
NUMBER = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
PATH_TYPES: dict[str, dict[str, Any]] = {
    "gate": {"type": "string", "pattern": NAME_PATTERN},
    "kiosk": {"type": "string", "pattern": NAME_PATTERN},
    "boot": NUMBER,
    "seq": NUMBER,
    "register": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$"},
    "id": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
}
ERROR_TEXTS = {
    400: "The request is invalid; `detail` says what was expected.",
    401: "No token, or one that is not valid.",
    403: "The token is for another purpose.",
    404: "What the path names does not exist.",
    409: "Somebody else saved a newer revision; nothing was changed.",
    413: "The body is too large.",
    503: "Broker or gateway cannot be reached now; nothing was done.",
}


class Done(Struct):
    """The body of an answer without data."""

    ok: bool = True


class Operation(NamedTuple):
    """An operation of the API: method, path, scope of the token, types of result and body."""

    method: str
    path: str
    scope: str
    summary: str
    act: Callable[..., Any]
    result: Any
    body: Any
    query: dict[str, Any] = {}  # noqa: RUF012 - never changed
    errors: tuple[int, ...] = ()
    media: str = "application/json"


class Operations(list[Operation]):
    """The operations of an API, each declared by decorating its function.

    The function's return type is the type of the answer; the type of its parameter `body` is that
    of the request's body.
    """

    def __call__(
        self, method: str, path: str, scope: str, summary: str, **fields: Any
    ) -> Callable[[T], T]:
        def declare(act: T) -> T:
            types = get_type_hints(act, include_extras=True)
            result, body = types["return"], types.get("body")
            self.append(Operation(method, path, scope, summary, act, result, body, **fields))
            return act

        return declare


def openapi_document(operations: Sequence[Operation], failed: type) -> dict[str, Any]:
    """The document as JSON values; `failed` is the type of an error's body."""
    types = [failed]
    for operation in operations:
        types += [kind for kind in (operation.result, operation.body) if kind is not None]
    components, schemas = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    schema_of = {str(kind): schema for kind, schema in zip(types, components, strict=True)}
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(f"/api/v1{operation.path}", {})[operation.method.lower()] = _described(
            operation, schema_of, schema_of[str(failed)]
        )
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "FeverGate",
            "version": __version__,
            "license": {"name": "MIT"},
            "description": "Gates, kiosks and fever log of one gateway. Times are Unix times in"
            " seconds, temperatures °C (axillary equivalent). A screening is no diagnosis.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made by an administrator for some scopes and some days.",
                }
            },
        },
    }
    return published(document)


def _described(
    operation: Operation, schema_of: dict[str, Any], failed: dict[str, Any]
) -> dict[str, Any]:
    """An operation as an OpenAPI Operation Object."""
    json = "application/json"
    name = re.sub(r"[^a-z]+", "-", operation.path).rstrip("-")
    described: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}{name}",
        "summary": operation.summary,
        "description": f"Scope: `{operation.scope}`.",
        "security": [{"token": []}],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": PATH_TYPES[name]}
            for name in re.findall(r"{(\w+)}", operation.path)
        ]
        + [
            {"name": name, "in": "query", "required": False, "schema": msgspec.json.schema(kind)}
            for name, kind in operation.query.items()
        ],
        "responses": {
            "200": {
                "description": operation.summary,
                "content": {operation.media: {"schema": schema_of[str(operation.result)]}},
            }
        }
        | {
            str(code): {"description": ERROR_TEXTS[code], "content": {json: {"schema": failed}}}
            for code in sorted({400, 401, 403, *operation.errors})
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {json: {"schema": schema_of[str(operation.body)]}},
        }
    return described
