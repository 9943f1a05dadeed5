"""Check of `fevergate doctor` that names lamp posts from which nothing is heard."""

import time
from collections.abc import Iterator

from sqlite_utils import Database

from fevergate.command_line.finding import Finding, ok, warning
from fevergate.operations.doctor_storage import stored
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import both


@stored
def posts(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Whether each lamp post is online by its last status and has sent a message lately."""
    since = time.time() - settings.alarm.silent_after_s
    statement = "select kiosk, status = 'online' and last_seen >= ? from kiosks"
    online = dict(reader.execute(statement, (since,)).fetchall())
    for post, gate in settings.posts.items():
        name = settings.kiosk_title(post, "zh"), settings.kiosk_title(post, "en")
        title = settings.gate_title(gate, "zh"), settings.gate_title(gate, "en")
        if online.get(post):
            yield ok("posts", "{post}: shows the alarm of {gate}", post=name, gate=title)
        else:
            yield warning(
                "posts",
                both("{post}: the lamp post of {gate} is not heard", post=name, gate=title),
                "it is amber by itself: look at its power and its network",
            )
