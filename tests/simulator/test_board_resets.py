"""The simulated board's resets, watchdog and power cuts behave as those of an ESP32."""

from board_programs import TIMEOUT_S, MakeBoard

from simulator.frames import ResetCause


def test_a_reset_starts_the_board_again_and_says_why(board: MakeBoard) -> None:
    kiosk = board(
        """
        cause = machine.reset_cause()
        print("cause", cause)
        time.sleep_ms(50)
        try:
            if cause == machine.PWRON_RESET:
                machine.reset()
            if cause == machine.HARD_RESET:
                machine.soft_reset()
        finally:
            print("no further")
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("no further", TIMEOUT_S)
    assert kiosk.console == ["cause 1", "cause 2", "cause 5", "no further"]
    assert kiosk.boots == 3
    assert kiosk.last_reset is ResetCause.SOFT
    assert kiosk.exit_code == 75


def test_a_brown_out_is_reported_as_power_on_and_a_panic_as_a_reset(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("cause", machine.reset_cause(), "year", time.gmtime()[0])
        if machine.reset_cause() == machine.PWRON_RESET:
            machine.RTC().datetime((2026, 3, 4, 2, 5, 6, 7, 0))
            i2c.writeto(0x3C, b"\\x00\\xaf")
        print("up")
        time.sleep(1000)
        """,
        clock_set=False,
    )
    kiosk.start()
    kiosk.wait_console("up", TIMEOUT_S)
    kiosk.panic()
    kiosk.wait_console("up", TIMEOUT_S, start=2)
    assert kiosk.last_reset is ResetCause.HARD
    assert kiosk.display.on  # the sensor kept its supply
    kiosk.brown_out()
    kiosk.wait_console("cause", TIMEOUT_S, start=4)
    assert kiosk.console[::2] == ["cause 1 year 2000", "cause 2 year 2026", "cause 1 year 2000"]


def test_a_spark_resets_the_display_which_goes_on_acknowledging(board: MakeBoard) -> None:
    kiosk = board(
        """
        i2c.writeto(0x3C, b"\\x00\\xaf")
        print("on")
        while True:
            time.sleep_ms(100)
            i2c.writeto(0x3C, b"\\x40\\xff")
            print("written")
        """
    )
    kiosk.start()
    kiosk.wait_console("written", TIMEOUT_S)
    with kiosk.world.lock:
        assert kiosk.display.on
        kiosk.display.spark()
    kiosk.wait_console("written", TIMEOUT_S, start=len(kiosk.console))
    assert not kiosk.display.on and kiosk.light() is None


def test_a_soft_reset_stops_no_watchdog_and_leaves_the_pins(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("cause", machine.reset_cause(), "red", Pin(RED).value())
        if machine.reset_cause() == machine.PWRON_RESET:
            Pin(RED, Pin.OUT, value=1)
            WDT(timeout=1000)
            machine.soft_reset()
        while True:
            pass
        """
    )
    kiosk.start()
    kiosk.wait_console("cause 3", TIMEOUT_S)
    assert kiosk.console == ["cause 1 red 0", "cause 5 red 1", "cause 3 red 0"]


def test_a_watchdog_takes_only_the_periods_that_a_board_allows(board: MakeBoard) -> None:
    kiosk = board(
        """
        for id, timeout in ((1, 1000), (0, 0)):
            try:
                WDT(id, timeout)
            except ValueError:
                print("refused")
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("refused", TIMEOUT_S, start=1)


def test_a_watchdog_that_is_not_fed_resets(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("cause", machine.reset_cause())
        if machine.reset_cause() == machine.PWRON_RESET:
            dog = WDT(timeout=1000)
            for _ in range(3):
                dog.feed()
            while True:
                pass
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("cause 3", TIMEOUT_S)
    assert kiosk.last_reset is ResetCause.WATCHDOG


def test_what_was_written_survives_a_power_cut_and_a_new_flash(board: MakeBoard) -> None:
    kiosk = board(
        """
        import os
        print("cause", machine.reset_cause(), sorted(os.listdir("/")), sys.path)
        with open("/outbox", "a") as file:
            file.write("x")
            file.flush()
            print("written", os.stat("/outbox")[6])
            time.sleep(1000)
        """
    )
    kiosk.flash({"/settings.json": b"{}"})
    kiosk.start()
    kiosk.wait_console("written 1", TIMEOUT_S)
    kiosk.power_cut()
    assert not kiosk.running
    kiosk.flash({"ca.der": b"1"})
    kiosk.start()
    kiosk.wait_console("written 2", TIMEOUT_S)
    assert "cause 1 ['ca.der', 'main.py', 'outbox', 'settings.json']" in kiosk.console[2]
    assert "['', '.frozen', '/lib']" in kiosk.console[2]
