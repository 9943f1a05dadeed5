"""Texts for people: English in the sources, Chinese in one gettext catalogue.

Pages, terminal, notices and PDF read `locale/zh/LC_MESSAGES/fevergate.po`, which `tools/make-words`
keeps in step with the sources; a test compares. Texts that are selected by a value are marked here
or beside their table (`N_`).
"""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")

Pair = tuple[str, str]
"""A text in Chinese and in English."""

Say = Callable[..., str]
"""`say(text, **values)`: a text of the sources in one language, with its {holes} filled."""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text for the catalogue."""
    return text


@cache
def translator(language: str) -> Say:
    """What says the texts of the sources in one of `LANGUAGES`."""
    path = Path(__file__).with_name("locale") / f"{language}/LC_MESSAGES/fevergate.po"
    texts = read_po(path.read_text(encoding="utf-8")) if language != "en" else {}

    def say(text: str, /, **values: object) -> str:
        translated = texts.get(text, text)
        return translated.format(**values) if values else translated

    return say


def both(text: str, /, **values: object) -> Pair:
    """A text in Chinese and in English; a value that is itself such a pair fills in its half."""
    chinese, english = (
        {name: value[half] if isinstance(value, tuple) else value for name, value in values.items()}
        for half in (0, 1)
    )
    return translator("zh")(text, **chinese), translator("en")(text, **english)


def side_by_side(text: str, /, **values: object) -> str:
    """A text in Chinese, a space, the same in English."""
    return " ".join(both(text, **values))


def read_po(content: str) -> dict[str, str]:
    """Translations by text, of a catalogue as `tools/make-words` writes it: quoted lines, no
    plurals, no contexts. Babel, which reads all forms, takes 2.6 MB more and five times as long."""
    joined = content.replace('"\n"', "")
    pairs = re.findall(r'^msgid (".*")\nmsgstr (".*")$', joined, re.MULTILINE)
    return {json.loads(text): json.loads(translated) for text, translated in pairs}


LABELS = {
    "axillary": N_("Armpit"),
    "oral": N_("Mouth"),
    "ear": N_("Ear"),
    "released": N_("Released"),
    "home": N_("Sent home"),
    "clinic": N_("To the clinic"),
    "other": N_("Other"),
    "undecided": N_("Not decided yet"),
    "open": N_("Open"),
    "this week": N_("This week"),
    "this month": N_("This month"),
    "half a year": N_("Half a year"),
    "a year": N_("A year"),
    "canthus": N_("inner corner of the eye"),
    "face_max": N_("hottest spot of the face"),
    "forehead": N_("forehead"),
    "auto": N_("by itself"),
    "fixed": N_("a fixed value"),
    "off": N_("off"),
    "record": N_("noted with the reading"),
    "permit": N_("asked whether they may enter"),
    "binary": N_("bytes (a module's frame)"),
    "line": N_("lines of digits"),
    "big": N_("the highest"),
    "little": N_("the lowest"),
    "reader ok": N_("reads cards"),
    "reader out": N_("pulled out"),
    "reader noise": N_("sends no cards: another kind of reader is set"),
    "10": N_("decimal"),
    "16": N_("hexadecimal"),
    "zh": N_("Chinese"),
    "en": N_("English"),
    "power on": N_("power came"),
    "watchdog": N_("watchdog: it hung"),
    "reset": N_("reset button"),
    "soft reset": N_("restarted itself"),
    "deep sleep": N_("woke up"),
    "normal": N_("Normal"),
    "fever": N_("Fever"),
    "retry": N_("Retry"),
    "offered": N_("offered"),
    "fetching": N_("fetching"),
    "on trial": N_("on trial"),
    "updated": N_("updated"),
    "refused": N_("refused"),
    "rolled back": N_("rolled back"),
    "away": N_("away"),
    "stalled": N_("stalled"),
    "sign in": N_("signed in"),
    "sign out": N_("signed out"),
    "turned away": N_("was not let in"),
    "began": N_("became an administrator"),
    "set password": N_("gave another password"),
    "add person failed": N_("could not let somebody in"),
    "remove person failed": N_("could not remove somebody"),
    "set password failed": N_("could not give another password"),
    "on duty failed": N_("could not put on duty"),
    "off duty failed": N_("could not take off duty"),
    "change password": N_("changed the password"),
    "look at passers": N_("looked at who tapped a card"),
    "learn cards": N_("had a reader of cards learn"),
    "acknowledge": N_("acknowledged"),
    "try lamps": N_("had lamps tried"),
    "look at follow-up": N_("looked at a follow-up"),
    "save follow-up": N_("saved a follow-up"),
    "take FHIR": N_("took FHIR"),
    "look at log": N_("looked at the log"),
    "take log": N_("took the log along"),
    "search fevers": N_("looked for fevers"),
    "search name": N_("looked for a name"),
    "take fevers": N_("took a list of fevers along"),
    "sign off": N_("signed off"),
    "strike": N_("struck rows from a day"),
    "take back strike": N_("took back what was struck"),
    "look at audit": N_("looked at the audit"),
    "look at roll": N_("looked at who was not measured"),
    "enter roll": N_("entered who was measured or excused"),
    "take roll": N_("took a list of who was not measured along"),
    "identify": N_("let a kiosk show itself"),
    "settings": N_("set a kiosk"),
    "update": N_("updated firmware"),
    "setup code": N_("asked for a setup code"),
    "setup code used": N_("a board fetched its settings with a setup code"),
    "add person": N_("let somebody in"),
    "set units": N_("gave a tutor other units"),
    "set units failed": N_("could not give a tutor other units"),
    "remove person": N_("removed somebody"),
    "on duty": N_("put on duty"),
    "off duty": N_("took off duty"),
    "import duty": N_("imported a roster"),
    "hand over": N_("handed over a shift"),
    "take case": N_("took over a confirmed fever"),
    "name places": N_("named the campus or its gates"),
    "name kiosk": N_("named a kiosk"),
    "add kiosk": N_("asked for one more kiosk"),
    "remove kiosk": N_("asked for a kiosk to be removed"),
    "add post": N_("asked for one more lamp post"),
    "remove post": N_("asked for a lamp post to be removed"),
    "withdraw device": N_("took back a request for a kiosk"),
    "make screen": N_("made a link for a wall display"),
    "revoke screen": N_("revoked a wall display's link"),
    "issue token": N_("made a token"),
    "revoke token": N_("revoked a token"),
    "import list": N_("imported the list of people"),
    "look at list difference": N_("looked at what a new list would change"),
    "look at people": N_("looked at people of the list"),
    "search person": N_("looked for somebody on the list"),
    "set policy": N_("set who may enter"),
    "override": N_("gave a person a permit of their own"),
    "end override": N_("ended a person's own permit"),
    "forget person": N_("erased a person from the list"),
    "look at register": N_("looked at a register"),
    "look at entry": N_("looked at a register's entry"),
    "search register": N_("searched a register"),
    "take register": N_("took a register along"),
    "enter": N_("entered in a register"),
    "correct entry": N_("corrected a register's entry"),
    "close entry": N_("closed a register's entry"),
    "reopen entry": N_("opened a register's entry again"),
    "trace": N_("looked who passed beside a fever"),
    "trace failed": N_("asked who passed beside a fever, and was refused"),
    "take trace": N_("took along who passed beside a fever"),
    "make pass": N_("made a visitor's day pass"),
    "look at pass": N_("looked at a visitor's day pass"),
    "take report": N_("took a report along"),
    "submit": N_("submitted a report"),
}
"""Values in forms and tables, and actions in the audit, as people call them."""

SCOPES = {
    "board": N_("Gates as they are now, the duty list"),
    "acknowledge": N_("Acknowledge a gate's red light"),
    "log": N_("Fever log and overview, without names"),
    "persons": N_("One fever with its follow-up, FHIR for a clinic"),
    "kiosks": N_("State and history of the kiosks"),
    "actions": N_("Let a kiosk show itself"),
    "people": N_("Who may sign in"),
    "registers": N_("Registers with the names in them, new entries"),
    "trace": N_("Who passed the same gate as a fever, by name and with a reason"),
    "audit": N_("Who looked at what"),
    "roll": N_("Who was measured and who was not, by name; enter it"),
}
"""Scopes of an API token."""

ERRORS = {
    "trace_reason": N_("Say why: without a reason nothing is traced."),
    "trace_long": N_("Expected a reason of at most 200 characters that can be printed."),
    "trace_minutes": N_("Expected 1 to 120 minutes."),
    "trace_record": N_("Expected the fever's record, such as north-1/7/4711."),
    "trace_fever": N_("There is no such fever."),
    "trace_old": N_("Who was at the gate then is deleted: it is kept for a limited time."),
    "wrong": N_("Name or password is wrong."),
    "later": N_("Too many sign in at once: try again in a moment."),
    "nobody": N_("There is nobody of that name."),
    "locked": N_("Too many tries; again in a quarter of an hour."),
    "name": N_("A name has 1 to 32 characters."),
    "password": N_("A password has 10 to 200 characters."),
    "old_password": N_("The present password is wrong."),
    "role": N_("There is no such role."),
    "unknown_units": N_(
        "Nothing was changed: nobody of the list is in such a unit. Write each as on the list, or"
        " as CAMPUS/UNIT"
    ),
    "units": N_("A tutor has 1 to 50 units, each of at most 64 characters, one a line."),
    "taken": N_("Somebody has this name already."),
    "in_use": N_("This short name is in use."),
    "last": N_("The last administrator stays."),
    "code": N_("The code is wrong or has expired."),
    "clinical": N_("The second measurement is from 30 to 45 °C, such as 37.6."),
    "second": N_("Without a second measurement it stays open: enter it, or save without closing."),
    "released": N_("37.3 °C or more, and released: say why in the note."),
    "choice": N_("Choose from the list."),
    "field": N_("There is no such field."),
    "required": N_("Fill this in."),
    "unprintable": N_("Only characters that can be printed."),
    "number": N_("Expected a number, in the range that stands beside it."),
    "time": N_("Expected a date and a time."),
    "order": N_("The end must lie after the beginning."),
    "long": N_("That is too long."),
    "meanwhile_set": N_("Somebody set this kiosk meanwhile. Compare, then send again."),
    "closed": N_("This follow-up is closed; an administrator can open it again."),
    "another": N_("Another fever has come: look at it, then press again."),
    "meanwhile": N_("Somebody saved this meanwhile. Look at it, then save again."),
    "meanwhile_duty": N_("This shift was changed meanwhile. Look, then choose again."),
    "line": N_("The gateway cannot be told now: use the button."),
    "broker": N_("The broker cannot be reached: nothing was changed."),
    "date": N_("A date is written YYYY-MM-DD."),
    "future": N_("This day has not begun yet."),
    "crowd": N_(
        "This day has more fevers than people can be: first strike the kiosk's hours that made"
        " them, then sign."
    ),
    "range": N_("Expected a beginning before the end, and at most a year (366 days)."),
    "kiosk": N_("There is no such kiosk or lamp post."),
    "gate": N_("There is no such gate."),
    "scopes": N_("Choose at least one purpose."),
    "screens": N_("There are 20 links already: first revoke one."),
    "days": N_("A token lasts 1 to 400 days."),
    "kiosk_file": N_("The kiosk's file on this gateway cannot be read:"),
    "no_value": N_("Fill in at least one value."),
    "title": N_("A name has at most 32 characters that can be printed."),
    "twin": N_("Two of them would have the same name."),
    "id": N_("A short name has 1 to 32 small letters, digits and -, such as north-3."),
    "gates": N_("This gateway has as many gates as it can have."),
    "settings_file": N_(
        "The gateway's settings file cannot be changed: journalctl -u fevergate-web says why."
    ),
    "font": N_("No Chinese font here: install fonts-wqy-microhei, then try again."),
    "room": N_("There is no room on the disk to make this file. Make room, then try again."),
    "version": N_("There is no such version."),
    "newer": N_("There is a newer version: look at that one."),
    "signed": N_("This version is signed already."),
    "unsigned": N_("Sign this version first."),
    "submitted": N_("This version was submitted already."),
    "clock": N_("The server's clock is in doubt: nothing is signed or submitted by it."),
    "by": N_("A name has 1 to 64 characters."),
    "reason": N_("Say why, in at most 200 characters."),
    "hours": N_("Expected full hours, the first before the last."),
    "nothing": N_("This kiosk has no rows in that time."),
    "struck": N_("That time is struck already."),
    "not_struck": N_("Nothing of that is struck."),
    "often": N_("This kiosk's day was struck too often."),
    "trusted": N_("This kiosk was not revoked since: its rows are its own. Revoke it, or say so."),
    "revoked_file": N_("The list of revoked kiosks cannot be read:"),
    "many_people": N_("The list has as many people as it can hold."),
    "many_gone": N_(
        "More than a tenth of the list would be gone: is the file whole? If it is, tick that."
    ),
    "meanwhile_list": N_("The list was changed meanwhile. Look at the difference again."),
    "no_file": N_("Choose a file."),
    "old_draft": N_("That file was uploaded too long ago. Upload it again."),
    "override_until": N_("Choose a last day within a year."),
    "nobody_listed": N_("Nobody on the list has that number now."),
    "busy": N_("An update is under way."),
    "device_busy": N_("Another kiosk or lamp post is being added or removed: wait."),
    "many_kiosks": N_("This gateway has as many kiosks and posts as it serves (64)."),
    "device_often": N_("20 kiosks were added or removed within an hour: wait, then try again."),
    "device_stopped": N_(
        "That was interrupted half way: look at the list of kiosks, then try again."
    ),
    "device_broker": N_(
        "Written, but the broker was not seen to take it: journalctl -u fevergate-devices says why."
    ),
    "device_failed": N_(
        "The gateway could not do that: journalctl -u fevergate-devices says why. By hand:"
    ),
    "bundle": N_("There is no such firmware, or it is none."),
    "broker_lost": N_(
        "The line to the broker was lost: look at each kiosk's firmware, then go on."
    ),
    "compiler": N_("Firmware cannot be compiled here; a bundle made elsewhere goes into updates/."),
    "key": N_("The key that updates are signed with cannot be read."),
    "store": N_("The database cannot be read now; is the gateway running? Try again in a minute."),
    "crowded": N_("Too many boards are open: close one, then try again."),
    "broken": N_("Something went wrong here; it is in the log. The red lights work without us."),
    "not_found": N_("There is no such page."),
    "forbidden": N_("This page is not for you."),
    "celsius": N_("A temperature is from 30 to 45 °C, such as 36.6."),
    "either": N_("Enter a temperature or a reason, not both."),
    "unlisted": N_("This person is not on the list, or is of another unit."),
    "measured": N_("Measured already: only who was not measured is excused."),
    "hot": N_("A fever was entered before: first take it back, and say why."),
    "twice": N_("The same person is there twice."),
    "many": N_("At most 500 people are entered at once."),
    "forgotten": N_("The marks of that day are deleted already."),
    "again": N_("This page is too old: open it again."),
}
"""Messages of refused requests, by `RefusalError.reason`, and of error pages."""
