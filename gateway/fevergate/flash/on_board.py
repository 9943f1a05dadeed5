"""Checks of the self-test that run on the board over the raw REPL and use the firmware's modules.

Each function returns a small JSON value; `told` turns an exception into `{"error": ...}`. Nothing
is written to flash.
"""

import asyncio
import time

from machine import PWM, Pin

from kiosk.errors import SensorError, plain

READ_EVERY_MS = 150  # longer than a part with one or two zones takes to refresh
SETTLE_MS = 300  # power-on reset and first valid data
BEEP_MS = 300
BEEP_HZ = 2400
BEEP_DUTY = 16384
STEP_MS = 10


def told(question, *arguments):
    """The result of a function, or its exception as `{"error": ...}`."""
    try:
        return question(*arguments)
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, plain(error))}


def bus():
    """Addresses that answer, and the levels of both wires at rest."""
    import kiosk_board
    from kiosk.bus import Bus

    levels = [Pin(pin, Pin.IN).value() for pin in (kiosk_board.SDA, kiosk_board.SCL)]
    return {"found": Bus().i2c.scan(), "sda": levels[0], "scl": levels[1]}


def sensor():
    """The sensor's number, settling time (ms) and error in its setup ("": none)."""
    from kiosk.bus import Bus
    from kiosk.mlx90614 import MLX90614

    part = MLX90614(Bus())
    time.sleep_ms(SETTLE_MS)
    answer = {"id": part.unit_id(), "settle_ms": part.settle_ms(), "emissivity": ""}
    try:
        part.check_setup()
    except SensorError as error:
        answer["emissivity"] = plain(error)
    return answer


def readings(count):
    """Take `count` readings without retry: lowest, mean, highest °C, and the failures by kind."""
    from kiosk.bus import Bus
    from kiosk.mlx90614 import MLX90614

    part = MLX90614(Bus(), tries=1)
    objects, cans, lost = [], [], {}
    for _ in range(count):
        try:
            object_c, ambient_c = part.object_c(), part.ambient_c()
            objects.append(object_c)
            cans.append(ambient_c)
        except SensorError as error:
            lost[error.word] = lost.get(error.word, 0) + 1
        time.sleep_ms(READ_EVERY_MS)
    return {"object_c": _spread(objects), "ambient_c": _spread(cans), "lost": lost}


def display():
    """Draw a message; returns whether the display acknowledged it."""
    from kiosk.bus import Bus
    from kiosk.display import Display

    glass = Display(Bus())
    glass.start()
    glass.message("Fever", "Gate")
    asyncio.run(glass.flush())
    return glass.ok


def light(colour, on):
    """Switch one output: "green", "amber" or "red". The door's output is never switched."""
    import kiosk_board

    number = getattr(kiosk_board, colour.upper())
    Pin(number, Pin.OUT, value=1 if on else 0)


def beep():
    """Sound one tone."""
    import kiosk_board

    pwm = PWM(Pin(kiosk_board.BEEPER, Pin.OUT), freq=BEEP_HZ, duty_u16=BEEP_DUTY)
    time.sleep_ms(BEEP_MS)
    pwm.duty_u16(0)
    pwm.deinit()


def siren():
    """Sound a lamp post's siren, which is at the pin of a kiosk's door."""
    import kiosk_board

    pin = Pin(kiosk_board.DOOR, Pin.OUT, value=1)
    time.sleep_ms(BEEP_MS)
    pin.value(0)


def button():
    """Whether a lamp post's button is down: it pulls its pin to ground."""
    import kiosk_board

    return not Pin(kiosk_board.READER_TX, Pin.IN, Pin.PULL_UP).value()


def settings():
    """The settings that are not secret; None if the board has no settings."""
    from kiosk.errors import SettingsError
    from kiosk.settings import CA_PATH, Settings, read

    try:
        values = Settings(read())
        open(CA_PATH).close()
    except SettingsError as error:
        return None if "no such file" in str(error) else {"error": plain(error)}
    except OSError:
        return {"error": "no %s" % CA_PATH}
    broker = "%s:%d" % (values.broker_host, values.broker_port)
    ssid = values.wifi_ssid or values.wifi_ssid_hex
    role = getattr(values, "role", "kiosk")  # older firmware has no roles
    return {"kiosk": values.kiosk, "role": role, "wifi": ssid, "broker": broker}


def wifi(limit_s):
    """Join Wi-Fi within `limit_s`: whether it worked, signal (dBm), and status if it did not."""
    from kiosk.settings import Settings, read
    from kiosk.wifi import Wifi

    values = Settings(read())
    station = Wifi(values)
    asyncio.run(_joined(station, limit_s))
    return {
        "up": station.up(),
        "rssi": station.rssi(),
        "status": station.trouble or station.code(),  # a slow board may not have set `trouble` yet
    }


def broker(limit_s):
    """Connect to the broker by the kiosk's own transport. `up`: certificate valid, login accepted;
    `reached`: TCP connected; `code`: why the login was refused."""
    from kiosk import mqtt
    from kiosk.address import Address
    from kiosk.settings import CA_PATH, Settings, read
    from kiosk.transport import Connector, context_for

    values = Settings(read())
    with open(CA_PATH, "rb") as file:
        context = context_for(file.read())
    line = Connector(Address(values.broker_host), values.broker_port, values.broker_name, context)
    hello = mqtt.connect_packet(values.kiosk, values.username, values.password, 30)
    client = mqtt.Client(lambda: line, hello, (), 30, 256)
    client.connect()
    began = time.ticks_ms()
    while client.state not in (mqtt.UP, mqtt.FAILED):
        if time.ticks_diff(time.ticks_ms(), began) > limit_s * 1000:
            break
        client.handle()
        time.sleep_ms(STEP_MS)
    answer = {
        "up": client.state == mqtt.UP,
        "reached": line.state == "ready",
        "code": client.refusal,
        "error": plain(client.last_error or ""),
        "ms": time.ticks_diff(time.ticks_ms(), began),
    }
    client.close()
    return answer


def set_clock(now):
    """Set the clock, which the check of certificates needs, to a Unix time (s)."""
    from kiosk.clock import set_utc

    set_utc(now)


async def _joined(station, limit_s):
    work = asyncio.create_task(station.run())
    until = time.ticks_add(time.ticks_ms(), limit_s * 1000)
    while not station.up() and time.ticks_diff(until, time.ticks_ms()) > 0:
        await asyncio.sleep_ms(200)
    work.cancel()


def _spread(values):
    return [min(values), sum(values) / len(values), max(values)] if values else None
