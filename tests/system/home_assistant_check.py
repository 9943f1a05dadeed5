"""Checks discovery messages with Home Assistant's own code, which must be on the path.

Standard input is JSON: a list of [topic, payload, message for its templates or null]. The output is
JSON as well: a list of [topic, error or "", text that the value template makes of the message].
"""

import json
import sys

from homeassistant.components.mqtt import binary_sensor, button, sensor
from homeassistant.components.mqtt.discovery import TOPIC_MATCHER
from homeassistant.helpers.template import TemplateEnvironment

SCHEMAS = {"binary_sensor": binary_sensor, "sensor": sensor, "button": button}


def checked(topic, payload, message):
    prefix, _, suffix = topic.partition("/")
    match = TOPIC_MATCHER.match(suffix)
    if prefix != "homeassistant" or not match:
        return "not a topic of discovery", None
    try:
        values = SCHEMAS[match.group("component")].DISCOVERY_SCHEMA(json.loads(payload))
    except Exception as error:
        return f"{type(error).__name__}: {error}", None
    template = values.get("value_template")
    if template is None or message is None:
        return "", None
    renderer = TemplateEnvironment(None).from_string(template.template)
    return "", renderer.render(value_json=message)


print(json.dumps([[row[0], *checked(*row)] for row in json.load(sys.stdin)]))
