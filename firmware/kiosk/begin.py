"""Creates an app with the board's settings. Loaded only for that: see `main` of the apps."""

from kiosk.errors import SettingsError
from kiosk.settings import CA_PATH, read


def created(make):
    """Return the app that `make(values, ca_der)` creates; `values` are those of settings.json. If
    settings or certificate are missing or wrong, run commissioning and return None."""
    try:
        values = read()
        try:
            with open(CA_PATH, "rb") as file:
                ca_der = file.read()
        except OSError:
            raise SettingsError("%s: no such file" % CA_PATH)
    except SettingsError as error:
        print("no settings:", error)
        from kiosk.commissioning import main  # only here: its page takes memory

        main()
        return None
    return make(values, ca_der)
