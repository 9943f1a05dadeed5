"""Names, ids and dates from outside are checked to their end: none may end in a line break."""

import ast
import datetime
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.errors import MessageError, ProvisionError
from fevergate.protocol import alarm_messages, campus_messages, messages, people_messages
from fevergate.protocol.json_schema import published
from fevergate.protocol.messages import Name
from fevergate.protocol.topics import parse_topic
from fevergate.provision import device_request
from fevergate.provision.files import check_names
from fevergate.registers import declarations
from fevergate.settings import collector, contacts, values
from fevergate.web import openapi

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\n\n", "\r", "\u2028"])
NAMES = st.from_regex(r"[a-z0-9-]{1,31}", fullmatch=True)
MODULES = (
    *(alarm_messages, campus_messages, collector, contacts, declarations, device_request),
    *(messages, openapi, people_messages, values),
)


def patterns(kind):
    """All patterns of a type, and of a structure's fields, as Python's `re` reads them."""
    literals = re.findall(r"""pattern=('[^']*'|"[^"]*")""", repr(msgspec.inspect.type_info(kind)))
    return set(map(ast.literal_eval, literals))


def kinds(module):
    """The structures and annotated types that a module defines."""
    for kind in vars(module).values():
        struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        text = getattr(kind, "__metadata__", ()) and getattr(kind, "__origin__", None) is str
        if (struct and kind.__module__ == module.__name__) or text:
            yield kind


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_pattern_allows_a_line_break_at_the_end(module):
    expressions = {pattern for kind in kinds(module) for pattern in patterns(kind)}

    assert expressions
    for pattern in expressions:
        assert not pattern.endswith("$"), pattern


@given(NAMES, LINE_ENDS)
def test_a_name_with_a_line_break_at_its_end_is_refused(name, end):
    assert msgspec.convert(name, Name) == name
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name + end, Name)
    with pytest.raises(ProvisionError):
        check_names("kiosk", [name + end])


@given(NAMES, NAMES, LINE_ENDS)
def test_a_topic_with_a_line_break_after_a_name_is_refused(campus, kiosk, end):
    assert parse_topic(f"fevergate/v1/{campus}/{kiosk}/health").name == kiosk
    for topic in (f"{campus}{end}/{kiosk}", f"{campus}/{kiosk}{end}"):
        with pytest.raises(MessageError):
            parse_topic(f"fevergate/v1/{topic}/health")


@given(st.text("0123456789abcdef", min_size=16, max_size=16), LINE_ENDS)
def test_a_sealed_card_with_a_line_break_at_its_end_is_refused(number, end):
    assert msgspec.convert(number, messages.SealedCard) == number
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(number + end, messages.SealedCard)


@given(st.text("0123456789abcdef", min_size=32, max_size=32), NAMES, LINE_ENDS)
def test_a_device_request_with_a_line_break_in_id_or_gate_is_refused(request, gate, end):
    values = {"action": "add", "kiosk": "n-1", "by": "li"}

    def convert(request, gate):
        return msgspec.convert(values | {"id": request, "gate": gate}, device_request.DeviceRequest)

    assert convert(request, gate).gate == gate
    for pair in ((request + end, gate), (request, gate + end)):
        with pytest.raises(msgspec.ValidationError):
            convert(*pair)


@given(st.times(), LINE_ENDS)
def test_a_time_of_day_with_a_line_break_at_its_end_is_refused(time, end):
    text = time.strftime("%H:%M")
    assert msgspec.convert(text, values.ClockTime) == text
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text + end, values.ClockTime)


@given(
    st.dates(min_value=datetime.date(2000, 1, 1), max_value=datetime.date(2999, 12, 31)), LINE_ENDS
)
def test_a_date_with_a_line_break_at_its_end_is_refused(date, end):
    text = date.isoformat()
    assert msgspec.convert(text, openapi.Date) == text
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text + end, openapi.Date)


def test_patterns_in_published_schemas_end_with_a_dollar_sign():
    schema = {"a": [{"pattern": r"^[a-z]{1,32}\Z", "type": "string"}], "pattern": {"b": 1}}

    assert published(schema) == {
        "a": [{"pattern": "^[a-z]{1,32}$", "type": "string"}],
        "pattern": {"b": 1},
    }
