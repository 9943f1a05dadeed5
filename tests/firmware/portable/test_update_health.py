"""When a new version of the firmware may stay."""

from kiosk.update import _TRIAL_MIN_MS, Update


class Host:
    """The kiosk with this fault of its sensor: "" for none, None before the first measurement."""

    def __init__(self, fault):
        self._fault = fault

    def fault(self):
        return self._fault


def healthy(fault, before="", up_ms=_TRIAL_MIN_MS, line_up=True):
    update = Update("north-1", "", Host(fault), "/nowhere")
    on_trial(update).fault = before
    return update.healthy(up_ms, line_up)


def on_trial(update):
    update.installed.trial, update.installed.booted = "a", True
    return update.installed


def test_a_version_that_measures_and_is_heard_stays():
    assert healthy("")
    assert not healthy("", up_ms=_TRIAL_MIN_MS - 1)
    assert not healthy("", line_up=False)


def test_a_version_that_has_not_measured_yet_has_proved_nothing():
    assert not healthy(None)


def test_a_fault_counts_against_it_unless_the_version_before_had_it_too():
    assert not healthy("no answer")
    assert not healthy("no answer", before="frozen")
    assert healthy("no answer", before="no answer")


def test_a_version_is_on_trial_when_it_runs_and_not_as_soon_as_it_is_on_flash():
    # A kiosk judges the version that it runs. While a fetched version is only on flash, health
    # of the running version says nothing about it.
    update = Update("north-1", "", Host(""), "/nowhere")
    on_trial(update).booted = False
    assert not update.on_trial and update.word == ""
    on_trial(update)
    assert update.on_trial and update.word == "on trial"
