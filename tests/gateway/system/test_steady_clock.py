"""The clock for durations ignores a jump of some minutes, and follows one that lasts."""

import pytest

from fevergate.system.steady_clock import JUMP_S, LASTS_S, SteadyClock

BEGIN = 1_795_400_000.0
A_MOMENT_S = 0.5


class Machine:
    """A machine whose clock a test can set, and whose time passes only by `passes`."""

    def __init__(self):
        self.utc, self.up = BEGIN, 5.0
        self.clock = SteadyClock(lambda: self.utc, lambda: self.up)

    def passes(self, seconds):
        self.utc += seconds
        self.up += seconds

    @property
    def ahead_s(self):
        """By how much (s) the machine's clock is ahead of the steady one."""
        return self.utc - self.clock()


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture(params=[-1, 1])
def jump(request, machine):
    """A function that sets the clock forward or back by a number of seconds."""

    def by(seconds):
        machine.utc += request.param * seconds

    return by


@pytest.mark.parametrize("jump_s", [JUMP_S + A_MOMENT_S, 3600.0, 2 * 86_400.0])
def test_a_jump_is_ignored_until_it_has_lasted_and_then_followed(machine, jump, jump_s):
    for _ in range(2):  # a second jump is treated alike
        jump(jump_s)
        assert abs(machine.ahead_s) == jump_s
        machine.passes(LASTS_S - A_MOMENT_S)
        assert abs(machine.ahead_s) == jump_s
        machine.passes(A_MOMENT_S)
        assert machine.ahead_s == 0


def test_a_jump_that_network_time_undoes_is_never_followed_and_the_next_has_to_last_as_long(
    machine, jump
):
    for _ in range(2):
        jump(3600.0)
        assert abs(machine.ahead_s) == 3600.0
        machine.passes(LASTS_S - A_MOMENT_S)
        assert abs(machine.ahead_s) == 3600.0
        jump(-3600.0)
        assert machine.ahead_s == 0


def test_small_corrections_are_followed_at_once_however_many(machine, jump):
    for _ in range(10):
        machine.passes(3600.0)
        jump(JUMP_S)
        assert machine.ahead_s == 0
