"""Accounts: who can sign in, who cannot, and how long a session lasts."""

import threading
import time

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from fevergate.errors import AccountError
from fevergate.protocol.visible_text import HIDDEN
from fevergate.settings.values import is_person_name
from fevergate.web_common.accounts import (
    CODE_LIFETIME_S,
    LOCK_S,
    MAX_GUESSES,
    MAX_IDLE_S,
    MAX_SESSION_S,
    Accounts,
)
from fevergate.web_common.passwords import MAX_HASHING, MAX_WAITING, Passwords
from fevergate.web_common.store import WebStore

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GOOD = "correct horse 电池"


class Scene:
    def __init__(self, path):
        self.at = 1_795_400_000.0
        self.path = path
        self.store = WebStore(path, lambda: self.at)
        self.accounts = Accounts(self.store, lambda: self.at, QUICK)


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path / "web.db")
    yield scene
    scene.store.close()


@pytest.fixture
def begun(scene):
    scene.accounts.begin(scene.accounts.invite(), "李伟", GOOD)
    scene.accounts.add("Guard Zhang", GOOD + "2", "guard")
    return scene


def why(call, *arguments):
    with pytest.raises(AccountError) as found:
        call(*arguments)
    return found.value.reason


def test_the_first_administrator_needs_the_code_that_was_printed_once(scene):
    code = scene.accounts.invite()
    assert why(scene.accounts.begin, "0000000000", "Mallory", GOOD) == "code"
    scene.accounts.begin(code.lower(), "李伟", GOOD)
    assert scene.accounts.people() == [("李伟", "administrator")]
    assert why(scene.accounts.begin, code, "Mallory", GOOD) == "code"


def test_an_administrator_who_forgot_the_password_gets_in_with_a_code_from_the_terminal(begun):
    old = begun.accounts.sign_in("李伟", GOOD)
    begun.accounts.begin(begun.accounts.invite(), "李伟", GOOD + "3")
    assert begun.accounts.session(old) is None
    assert why(begun.accounts.sign_in, "李伟", GOOD) == "wrong"
    assert begun.accounts.sign_in("李伟", GOOD + "3")


def test_an_administrator_gives_somebody_another_password(begun):
    token = begun.accounts.sign_in("Guard Zhang", GOOD + "2")
    begun.accounts.set_password("Guard Zhang", GOOD + "4")
    assert begun.accounts.session(token) is None
    assert begun.accounts.sign_in("Guard Zhang", GOOD + "4")
    assert why(begun.accounts.set_password, "nobody", GOOD) == "nobody"


def test_a_burst_of_guesses_is_no_more_than_five(begun):
    said = []

    def guess():
        try:
            begun.accounts.sign_in("李伟", "a guess, a guess", "10.0.0.9")
        except AccountError as error:
            said.append(error.reason)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (said.count("wrong"), said.count("locked")) == (MAX_GUESSES, 12 - MAX_GUESSES)


def test_guesses_from_elsewhere_lock_nobody_out_and_do_not_reveal_which_names_exist(begun):
    for name in ("李伟", "nobody"):
        said = [why(begun.accounts.sign_in, name, "a guess, a guess", "10.0.0.9") for _ in range(7)]
        assert said == ["wrong"] * MAX_GUESSES + ["locked"] * 2
    assert begun.accounts.sign_in("李伟", GOOD, "10.0.0.1")


def test_the_old_password_cannot_be_guessed_for_ever_either(begun):
    said = [
        why(begun.accounts.change_password, "李伟", "a guess, a guess", GOOD + "9")
        for _ in range(7)
    ]
    assert said == ["old_password"] * MAX_GUESSES + ["locked"] * 2


def test_of_many_sign_ins_at_once_a_few_are_checked_and_the_rest_told_to_wait(monkeypatch):
    inside, most, release = [], [0], threading.Event()

    class Slow(PasswordHasher):
        def verify(self, *_, **__):
            inside.append(1)
            most[0] = max(most[0], len(inside))
            release.wait(120)
            inside.pop()
            return True

    passwords = Passwords(Slow(time_cost=1, memory_cost=8, parallelism=1))
    said = []

    def ask():
        try:
            said.append(passwords.matches("", "x"))
        except AccountError as error:
            said.append(error.reason)

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    while said.count("later") < 100 - MAX_HASHING - MAX_WAITING:
        time.sleep(0.01)
    release.set()
    for thread in threads:
        thread.join()
    assert most[0] <= MAX_HASHING and said.count(True) == MAX_HASHING + MAX_WAITING


def test_an_open_board_alone_keeps_no_session_open(begun):
    token = begun.accounts.sign_in("李伟", GOOD)
    begun.at += MAX_IDLE_S["administrator"] / 2
    assert begun.accounts.session(token, touch=False)
    begun.at += MAX_IDLE_S["administrator"] / 2 + 1
    assert begun.accounts.session(token, touch=False) is None


def test_a_code_does_not_stay_good_for_ever_and_a_new_one_ends_the_old(scene):
    old = scene.accounts.invite()
    code = scene.accounts.invite()
    assert why(scene.accounts.begin, old, "Mallory", GOOD) == "code"
    scene.at += CODE_LIFETIME_S + 1
    assert why(scene.accounts.begin, code, "Li Wei", GOOD) == "code"


def test_only_the_right_password_opens_and_nobody_is_told_what_was_wrong(begun):
    token = begun.accounts.sign_in("Guard Zhang", GOOD + "2")
    assert begun.accounts.session(token)[:2] == ("Guard Zhang", "guard")
    assert why(begun.accounts.sign_in, "Guard Zhang", GOOD) == "wrong"
    assert why(begun.accounts.sign_in, "nobody", GOOD) == "wrong"


def test_the_right_password_ends_the_count_of_wrong_ones(begun):
    for _ in range(3):
        for _ in range(MAX_GUESSES - 1):
            assert why(begun.accounts.sign_in, "李伟", "a guess, a guess") == "wrong"
        assert begun.accounts.sign_in("李伟", GOOD)


def test_after_wrong_guesses_even_the_right_password_is_locked_for_a_while(begun):
    for _ in range(MAX_GUESSES):
        assert why(begun.accounts.sign_in, "李伟", "a guess, a guess") == "wrong"
    assert why(begun.accounts.sign_in, "李伟", GOOD) == "locked"
    begun.accounts.sign_in("Guard Zhang", GOOD + "2")  # nobody else is locked
    begun.at += LOCK_S + 1
    assert begun.accounts.sign_in("李伟", GOOD)


def test_sessions_end_when_nobody_looks_and_at_the_latest_after_a_day(begun):
    token = begun.accounts.sign_in("Guard Zhang", GOOD + "2")
    for _ in range(23):
        begun.at += 3600
        assert begun.accounts.session(token)
    begun.at += MAX_SESSION_S - 23 * 3600 + 1
    assert begun.accounts.session(token) is None
    token = begun.accounts.sign_in("李伟", GOOD)
    begun.at += MAX_IDLE_S["administrator"] + 1
    assert begun.accounts.session(token) is None
    begun.at -= MAX_IDLE_S["administrator"]
    assert begun.accounts.session(token) is None  # an ended session stays ended


def test_signing_out_and_being_removed_end_every_session(begun):
    token = begun.accounts.sign_in("Guard Zhang", GOOD + "2")
    begun.accounts.sign_out(token)
    assert begun.accounts.session(token) is None
    token = begun.accounts.sign_in("Guard Zhang", GOOD + "2")
    begun.accounts.remove("Guard Zhang")
    assert begun.accounts.session(token) is None


def test_the_last_administrator_cannot_be_removed(begun):
    assert why(begun.accounts.remove, "李伟") == "last"
    assert ("李伟", "administrator") in begun.accounts.people()


UNSEEN = (
    "Li\u202e",
    "李\u200b伟",
    "李\u200d伟",
    "Li\u2066 Wei",
    "\u3164",
    "李\ufe0f",
    "Li\ufeff",
    "\xad",
)


@pytest.mark.parametrize(
    ("name", "password", "role", "reason"),
    [
        ("", GOOD, "guard", "name"),
        (" Li", GOOD, "guard", "name"),
        ("<b>", GOOD, "guard", "name"),
        ("x" * 33, GOOD, "guard", "name"),
        *((name, GOOD, "guard", "name") for name in UNSEEN),
        ("Li", "short", "guard", "password"),
        ("Li", "x" * 201, "guard", "password"),
        ("Li", GOOD, "king", "role"),
        ("李伟", GOOD, "guard", "taken"),
    ],
)
def test_what_cannot_be_an_account_is_refused_with_its_reason(begun, name, password, role, reason):
    assert why(begun.accounts.add, name, password, role) == reason


@pytest.mark.parametrize(
    "name", ["李伟", "Zoë O\u2019Brien", "阿卜杜拉·买买提", "Nguyễn Thị Hoa", "李\u3000伟"]
)
def test_names_of_people_are_taken(begun, name):
    if name != "李伟":
        begun.accounts.add(name, GOOD, "guard")
    assert name in dict(begun.accounts.people())


def test_who_has_an_odd_name_already_may_change_the_password(begun):
    with begun.store.transaction() as connection:
        connection.execute("update users set name = 'Li\u200bWei' where name = 'Guard Zhang'")
    begun.accounts.set_password("Li\u200bWei", GOOD + "!")
    begun.accounts.sign_in("Li\u200bWei", GOOD + "!")


def test_a_tutors_unit_has_no_characters_that_nobody_sees(begun):
    begun.accounts.add("Tutor", GOOD, "tutor", ["计算机 1 班"])
    with pytest.raises(AccountError) as refused:
        begun.accounts.set_units("Tutor", ["计算机\u200b 1 班"])
    assert refused.value.reason == "units"


def test_a_copy_of_the_database_opens_no_door(begun):
    token = begun.accounts.sign_in("李伟", GOOD)
    code = begun.accounts.invite()
    begun.store.close()
    everything = b"".join(path.read_bytes() for path in begun.path.parent.iterdir())
    for secret in (GOOD, token, code):
        assert secret.encode() not in everything
    begun.store = WebStore(begun.path)


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_no_name_can_hold_what_a_page_or_a_log_would_stumble_over(name):
    if is_person_name(name):
        assert 1 <= len(name) <= 32 and name == name.strip()
        assert not set(name) & set("<>&\"'\n\r\t\x00") and not HIDDEN.search(name)


@pytest.mark.parametrize("jump_s", [-3600.0, -10 * 86_400.0])
def test_a_clock_that_is_set_back_signs_nobody_out(scene, jump_s):
    token = first(scene)
    scene.at += jump_s
    session = scene.accounts.session(token)
    assert session and session.ends_at <= scene.at + MAX_IDLE_S["administrator"]
    scene.at += MAX_IDLE_S["administrator"] + 1
    assert scene.accounts.session(token) is None  # the session still ends when idle


def test_a_lock_set_while_the_clock_was_ahead_ends_when_the_clock_is_set_right(scene):
    first(scene)
    scene.at += 10 * 86_400
    for _ in range(MAX_GUESSES + 1):
        with pytest.raises(AccountError):
            scene.accounts.sign_in("Li Wei", "a wrong guess")
    with pytest.raises(AccountError, match="locked"):
        scene.accounts.sign_in("Li Wei", GOOD)
    scene.at -= 10 * 86_400
    assert scene.accounts.sign_in("Li Wei", GOOD)


def first(scene):
    scene.accounts.begin(scene.accounts.invite(), "Li Wei", GOOD)
    return scene.accounts.sign_in("Li Wei", GOOD)


def test_a_tutor_keeps_the_own_units_and_nobody_else_has_any(begun):
    begun.accounts.add("Chen", GOOD, "tutor", [" 软件  2101", "软件 2102", "", "软件 2101"])
    begun.accounts.add("Wu", GOOD, "guard", ["软件 2101"])
    assert begun.accounts.tutors() == {"Chen": ("软件 2101", "软件 2102")}
    token = begun.accounts.sign_in("Chen", GOOD)
    assert begun.accounts.session(token).units == ("软件 2101", "软件 2102")
    begun.accounts.set_units("Chen", ["软件 2103"])
    assert begun.accounts.session(token).units == ("软件 2103",)
    for units in ([], [" "], ["x" * 65], [str(n) for n in range(51)]):
        assert why(begun.accounts.set_units, "Chen", units) == "units"
    assert why(begun.accounts.add, "Sun", GOOD, "tutor") == "units"
    assert why(begun.accounts.set_units, "Wu", ["软件 2101"]) == "nobody"
    assert begun.accounts.tutors() == {"Chen": ("软件 2103",)}
