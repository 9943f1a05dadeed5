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
def staff(scene):
    scene.accounts.begin(scene.accounts.invite(), "李伟", GOOD)
    scene.accounts.add("Guard Zhang", GOOD + "2", "guard")
    return scene


def why(call, *arguments):
    with pytest.raises(AccountError) as refused:
        call(*arguments)
    return refused.value.reason


def test_the_first_administrator_needs_the_code_that_was_printed_once(scene):
    code = scene.accounts.invite()
    assert why(scene.accounts.begin, "0000000000", "Mallory", GOOD) == "code"
    scene.accounts.begin(code.lower(), "李伟", GOOD)
    assert scene.accounts.people() == [("李伟", "administrator")]
    assert why(scene.accounts.begin, code, "Mallory", GOOD) == "code"


def test_an_administrator_who_forgot_the_password_gets_in_with_a_code_from_the_terminal(staff):
    old = staff.accounts.sign_in("李伟", GOOD)
    staff.accounts.begin(staff.accounts.invite(), "李伟", GOOD + "3")
    assert staff.accounts.session(old) is None
    assert why(staff.accounts.sign_in, "李伟", GOOD) == "wrong"
    assert staff.accounts.sign_in("李伟", GOOD + "3")


def test_an_administrator_gives_somebody_another_password(staff):
    token = staff.accounts.sign_in("Guard Zhang", GOOD + "2")
    staff.accounts.set_password("Guard Zhang", GOOD + "4")
    assert staff.accounts.session(token) is None
    assert staff.accounts.sign_in("Guard Zhang", GOOD + "4")
    assert why(staff.accounts.set_password, "nobody", GOOD) == "nobody"


def test_a_burst_of_guesses_is_no_more_than_five(staff):
    reasons = []

    def guess():
        try:
            staff.accounts.sign_in("李伟", "a guess, a guess", "10.0.0.9")
        except AccountError as error:
            reasons.append(error.reason)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (reasons.count("wrong"), reasons.count("locked")) == (MAX_GUESSES, 12 - MAX_GUESSES)


def test_guesses_from_elsewhere_lock_nobody_out_and_do_not_reveal_which_names_exist(staff):
    for name in ("李伟", "nobody"):
        reasons = [
            why(staff.accounts.sign_in, name, "a guess, a guess", "10.0.0.9") for _ in range(7)
        ]
        assert reasons == ["wrong"] * MAX_GUESSES + ["locked"] * 2
    assert staff.accounts.sign_in("李伟", GOOD, "10.0.0.1")


def test_the_old_password_cannot_be_guessed_for_ever_either(staff):
    reasons = [
        why(staff.accounts.change_password, "李伟", "a guess, a guess", GOOD + "9")
        for _ in range(7)
    ]
    assert reasons == ["old_password"] * MAX_GUESSES + ["locked"] * 2


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
    answers = []

    def ask():
        try:
            answers.append(passwords.matches("", "x"))
        except AccountError as error:
            answers.append(error.reason)

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    while answers.count("later") < 100 - MAX_HASHING - MAX_WAITING:
        time.sleep(0.01)
    release.set()
    for thread in threads:
        thread.join()
    assert most[0] <= MAX_HASHING and answers.count(True) == MAX_HASHING + MAX_WAITING


def test_an_open_board_alone_keeps_no_session_open(staff):
    token = staff.accounts.sign_in("李伟", GOOD)
    staff.at += MAX_IDLE_S["administrator"] / 2
    assert staff.accounts.session(token, touch=False)
    staff.at += MAX_IDLE_S["administrator"] / 2 + 1
    assert staff.accounts.session(token, touch=False) is None


def test_a_code_does_not_stay_good_for_ever_and_a_new_one_ends_the_old(scene):
    old = scene.accounts.invite()
    code = scene.accounts.invite()
    assert why(scene.accounts.begin, old, "Mallory", GOOD) == "code"
    scene.at += CODE_LIFETIME_S + 1
    assert why(scene.accounts.begin, code, "Li Wei", GOOD) == "code"


def test_only_the_right_password_opens_and_nobody_is_told_what_was_wrong(staff):
    token = staff.accounts.sign_in("Guard Zhang", GOOD + "2")
    assert staff.accounts.session(token)[:2] == ("Guard Zhang", "guard")
    assert why(staff.accounts.sign_in, "Guard Zhang", GOOD) == "wrong"
    assert why(staff.accounts.sign_in, "nobody", GOOD) == "wrong"


def test_the_right_password_ends_the_count_of_wrong_ones(staff):
    for _ in range(3):
        for _ in range(MAX_GUESSES - 1):
            assert why(staff.accounts.sign_in, "李伟", "a guess, a guess") == "wrong"
        assert staff.accounts.sign_in("李伟", GOOD)


def test_after_wrong_guesses_even_the_right_password_is_locked_for_a_while(staff):
    for _ in range(MAX_GUESSES):
        assert why(staff.accounts.sign_in, "李伟", "a guess, a guess") == "wrong"
    assert why(staff.accounts.sign_in, "李伟", GOOD) == "locked"
    staff.accounts.sign_in("Guard Zhang", GOOD + "2")  # nobody else is locked
    staff.at += LOCK_S + 1
    assert staff.accounts.sign_in("李伟", GOOD)


def test_sessions_end_when_nobody_looks_and_at_the_latest_after_a_day(staff):
    token = staff.accounts.sign_in("Guard Zhang", GOOD + "2")
    for _ in range(23):
        staff.at += 3600
        assert staff.accounts.session(token)
    staff.at += MAX_SESSION_S - 23 * 3600 + 1
    assert staff.accounts.session(token) is None
    token = staff.accounts.sign_in("李伟", GOOD)
    staff.at += MAX_IDLE_S["administrator"] + 1
    assert staff.accounts.session(token) is None
    staff.at -= MAX_IDLE_S["administrator"]
    assert staff.accounts.session(token) is None  # an ended session stays ended


def test_signing_out_and_being_removed_end_every_session(staff):
    token = staff.accounts.sign_in("Guard Zhang", GOOD + "2")
    staff.accounts.sign_out(token)
    assert staff.accounts.session(token) is None
    token = staff.accounts.sign_in("Guard Zhang", GOOD + "2")
    staff.accounts.remove("Guard Zhang")
    assert staff.accounts.session(token) is None


def test_the_last_administrator_cannot_be_removed(staff):
    assert why(staff.accounts.remove, "李伟") == "last"
    assert ("李伟", "administrator") in staff.accounts.people()


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
def test_what_cannot_be_an_account_is_refused_with_its_reason(staff, name, password, role, reason):
    assert why(staff.accounts.add, name, password, role) == reason


@pytest.mark.parametrize(
    "name", ["李伟", "Zoë O\u2019Brien", "阿卜杜拉·买买提", "Nguyễn Thị Hoa", "李\u3000伟"]
)
def test_names_of_people_are_taken(staff, name):
    if name != "李伟":
        staff.accounts.add(name, GOOD, "guard")
    assert name in dict(staff.accounts.people())


def test_who_has_an_odd_name_already_may_change_the_password(staff):
    with staff.store.transaction() as connection:
        connection.execute("update users set name = 'Li\u200bWei' where name = 'Guard Zhang'")
    staff.accounts.set_password("Li\u200bWei", GOOD + "!")
    staff.accounts.sign_in("Li\u200bWei", GOOD + "!")


def test_a_tutors_unit_has_no_characters_that_nobody_sees(staff):
    staff.accounts.add("Tutor", GOOD, "tutor", ["计算机 1 班"])
    with pytest.raises(AccountError) as refused:
        staff.accounts.set_units("Tutor", ["计算机\u200b 1 班"])
    assert refused.value.reason == "units"


def test_a_copy_of_the_database_opens_no_door(staff):
    token = staff.accounts.sign_in("李伟", GOOD)
    code = staff.accounts.invite()
    staff.store.close()
    content = b"".join(path.read_bytes() for path in staff.path.parent.iterdir())
    for secret in (GOOD, token, code):
        assert secret.encode() not in content
    staff.store = WebStore(staff.path)


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


def test_a_tutor_keeps_the_own_units_and_nobody_else_has_any(staff):
    staff.accounts.add("Chen", GOOD, "tutor", [" 软件  2101", "软件 2102", "", "软件 2101"])
    staff.accounts.add("Wu", GOOD, "guard", ["软件 2101"])
    assert staff.accounts.tutors() == {"Chen": ("软件 2101", "软件 2102")}
    token = staff.accounts.sign_in("Chen", GOOD)
    assert staff.accounts.session(token).units == ("软件 2101", "软件 2102")
    staff.accounts.set_units("Chen", ["软件 2103"])
    assert staff.accounts.session(token).units == ("软件 2103",)
    for units in ([], [" "], ["x" * 65], [str(n) for n in range(51)]):
        assert why(staff.accounts.set_units, "Chen", units) == "units"
    assert why(staff.accounts.add, "Sun", GOOD, "tutor") == "units"
    assert why(staff.accounts.set_units, "Wu", ["软件 2101"]) == "nobody"
    assert staff.accounts.tutors() == {"Chen": ("软件 2103",)}
