"""The pages request that a kiosk be added or removed; a service with the rights to do so does
it."""

import html
import json
import os
import re
import shlex
import shutil
import socket
from contextlib import closing

import pytest
from click.testing import CliRunner
from pages_site import post
from starlette.testclient import TestClient
from test_kiosk_settings_pages import Campus

from fevergate.cli import cli
from fevergate.errors import ActionError, BrokerError
from fevergate.kiosks.remote_settings import current
from fevergate.provision import device_request, device_service, steps
from fevergate.provision.device_request import (
    ANSWER,
    FOLDER,
    MAX_BYTES,
    MAX_KIOSKS,
    REQUEST,
    WORKS_S,
    ask,
    check,
    new_request,
    read_answer,
    withdraw,
)
from fevergate.provision.device_service import MOST_AN_HOUR, take
from fevergate.provision.step_texts import message
from fevergate.storage.connection import open_reader
from fevergate.web.app import Pages
from fevergate.web.kiosk_state import read_kiosks

PROGRESS = "/admin/devices/request"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with closing(Campus(tmp_path_factory.mktemp("devices") / "site")) as campus:
        yield campus


@pytest.fixture
def campus(site):
    """The campus, without a request that the test before has left."""
    folder = site.site.folder / FOLDER
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
    folder.mkdir(mode=0o700)
    return site


def served(campus: Campus) -> list[str]:
    """Let the service carry out the request, then restart the pages; returns the lines of the
    service."""
    lines = list(take(campus.site.folder))
    restarted(campus)
    return lines


def restarted(campus: Campus) -> None:
    campus.pages.store.close()
    campus.pages = Pages(campus.file)
    cookies = campus.client.cookies
    campus.client = TestClient(
        campus.pages.app, base_url="https://pages", follow_redirects=False, cookies=cookies
    )


def progress_after(campus, action, **form):
    answer = post(campus.client, f"/admin/devices/{action}", "/admin/devices", **form)
    assert answer.status_code == 303 and answer.headers["location"] == PROGRESS, answer.text
    return campus.client.get(PROGRESS).text


def test_a_kiosk_is_added_and_removed_from_the_page(campus):
    text = progress_after(campus, "add", kiosk="north-3", gate="north", title="左侧")
    assert "已提交" in text and "左侧 (north-3)" in text and 'data-every-ms="2000"' in text
    assert "north-3" not in campus.file.kiosks
    served(campus)
    text = campus.client.get(PROGRESS).text
    assert "左侧：已加入校门 north" in html.unescape(text) and "完成" in text
    assert 'href="/admin/kiosks/north-3#by-phone"' in text and "data-every-ms" not in text
    assert campus.file.kiosk_title("north-3", "zh") == "左侧"
    values = json.loads((campus.site.folder / "kiosks/north-3/settings.json").read_text())
    assert values["threshold_c"] == 37.2
    campus.client.cookies.set("fevergate-language", "en")
    assert "stands at gate north" in campus.client.get(PROGRESS).text
    campus.client.cookies.set("fevergate-language", "zh")

    form = {"kiosk": "north-3", "because": "失窃"}
    text = post(campus.client, "/admin/devices/remove", "/admin/kiosks/north-3", **form)
    lines = served(campus)
    assert lines[0] == "'李伟' asks: remove north-3"
    assert "完成" in campus.client.get(PROGRESS).text
    assert "north-3" not in campus.file.kiosks
    revoked = json.loads((campus.site.folder / "revoked.jsonl").read_text().splitlines()[-1])
    assert (revoked["kiosk"], revoked["reason"]) == ("north-3", "失窃")
    entries = [(entry.user, entry.action, entry.what) for entry in campus.pages.store.audit(2)]
    assert ("李伟", "remove kiosk", "north-3 失窃") in entries
    assert ("李伟", "add kiosk", "north-3 north 左侧") in entries


@pytest.mark.parametrize(
    ("form", "says"),
    [({"kiosk": "North 3"}, "小写字母"),
     ({"kiosk": "north-1"}, "占用"),
     ({"title": "x" * 33}, "最多 32"), ({"title": "a\x07"}, "最多 32"),
     ({"kiosk": "admin"}, "占用"),
     ({"kiosk": "../x"}, "小写字母"), ({"gate": ""}, "小写字母"), ({"gate": "/etc"}, "小写字母")],
)  # fmt: skip
def test_an_impossible_device_is_refused_before_it_is_requested(campus, form, says):
    given = {"kiosk": "north-3", "gate": "north", "title": ""} | form
    answer = post(campus.client, "/admin/devices/add", "/admin/devices", **given)
    assert answer.status_code == 400 and says in answer.text
    answer = post(campus.client, "/admin/devices/remove", "/admin/devices", kiosk="north-9")
    assert answer.status_code == 400 and "没有这台测温机" in answer.text
    assert not (campus.site.folder / FOLDER / REQUEST).exists()
    assert campus.client.get(PROGRESS).headers["location"] == "/admin/devices"


def test_a_gate_beyond_the_limit_of_a_gateway_is_refused(campus, monkeypatch):
    monkeypatch.setattr(device_request, "MAX_GATES", 2)
    given = {"kiosk": "west-1", "gate": "west", "title": ""}
    answer = post(campus.client, "/admin/devices/add", "/admin/devices", **given)
    assert answer.status_code == 400 and "上限" in answer.text


def test_one_request_waits_at_a_time_and_can_be_withdrawn(campus):
    progress_after(campus, "add", kiosk="north-4", gate="north", title="\"西门'; rm -rf x")
    refused = post(campus.client, "/admin/devices/remove", "/admin/devices", kiosk="north-1")
    assert refused.status_code == 400 and "请等它结束" in refused.text
    assert "查看进度" in refused.text
    waiting = campus.site.folder / FOLDER / REQUEST
    os.utime(waiting, (1, 1))
    text = campus.client.get(PROGRESS).text
    assert "无人处理" in text
    match = re.search(r'class="code"><code>(.*?)</code>', text)
    assert match
    sudo, program, *arguments = shlex.split(html.unescape(match[1]))
    assert (sudo, program) == ("sudo", "fevergate")
    answer = post(campus.client, "/admin/devices/withdraw", PROGRESS)
    assert answer.status_code == 303 and not waiting.exists()
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert campus.file.kiosk_title("north-4", "zh") == "\"西门'; rm -rf x"
    assert CliRunner().invoke(cli, ["provision", "revoke", arguments[2], "north-4"]).exit_code == 0


def test_a_failed_request_is_shown_with_the_command_that_repeats_it(campus, monkeypatch):
    def fails(*_):
        yield message(None, "broker")
        raise BrokerError("the broker still lets north-2 in")

    monkeypatch.setattr(steps, "revoke", fails)
    progress_after(campus, "remove", kiosk="north-2")
    lines = list(take(campus.site.folder))
    assert lines[-1] == "failed: the broker still lets north-2 in"
    text = campus.client.get(PROGRESS).text
    assert "journalctl -u fevergate-devices" in text and "still lets" not in text
    assert "provision revoke" in text and "✓ 消息服务器已重新读取" in text
    progress_after(campus, "remove", kiosk="north-2")  # it may be tried again


def test_a_service_that_was_killed_half_way_does_not_bar_the_next_request(campus):
    progress_after(campus, "remove", kiosk="north-2")
    taking = take(campus.site.folder)
    next(taking)
    next(taking)
    del taking
    folder, at = campus.site.folder, (campus.site.folder / FOLDER / ANSWER).stat().st_mtime
    under_way = read_answer(folder, at + 1)
    assert under_way is not None and under_way.state == "working"
    stopped = read_answer(folder, at + WORKS_S + 1)
    assert stopped is not None and (stopped.state, stopped.reason) == ("failed", "device_stopped")
    ask(folder, new_request(action="remove", kiosk="north-2", by="x"), at + WORKS_S + 1)
    assert "north-2" in campus.file.kiosks or list(take(folder))


HOSTILE = {
    "path": {"kiosk": "../../root"},
    "action": {"action": "renew"},
    "more": {"command": "id"},
    "long": {"because": "x" * 201},
    "title": {"title": "x" * 33},
    "new gate": {"gate": "a/b"},
    "post's action": {"action": "add-post"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_request_that_the_pages_would_not_write_is_dropped_by_the_service(campus, name):
    request = {"id": "0" * 32, "action": "add", "kiosk": "north-5", "gate": "north", "by": "x"}
    folder = campus.site.folder / FOLDER
    (folder / REQUEST).write_text(json.dumps(request | HOSTILE[name]))
    (line,) = list(take(campus.site.folder))
    assert line.startswith("refused: device.json: ") and list(folder.iterdir()) == []
    assert list(take(campus.site.folder)) == []


def test_links_and_long_files_are_not_read_and_no_answer_is_written_through_a_link(
    campus, tmp_path
):
    folder, secret = campus.site.folder / FOLDER, tmp_path / "secret"
    request = {"id": "0" * 32, "action": "remove", "kiosk": "north-9", "by": "x"}
    secret.write_text(json.dumps(request))
    for place in (folder / REQUEST).symlink_to, (folder / REQUEST).hardlink_to:
        place(secret)
        (line,) = list(take(campus.site.folder))
        assert line.startswith("refused")
    (folder / REQUEST).write_text(json.dumps(request) + " " * MAX_BYTES)
    (line,) = list(take(campus.site.folder))
    assert line.startswith("refused")
    (folder / REQUEST).write_text(json.dumps(request))
    for name in (ANSWER, f"{ANSWER}.new"):
        (folder / name).symlink_to(secret)
    list(take(campus.site.folder))
    assert json.loads(secret.read_text()) == request
    assert not (folder / ANSWER).is_symlink()
    answer = read_answer(campus.site.folder, 0)
    assert answer is not None and answer.reason  # there is no kiosk north-9


def folder_with_a_file(path):
    path.mkdir()
    (path / "file").touch()


def socket_at(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def gigabyte(path):
    with path.open("wb") as file:
        file.truncate(1 << 30)  # takes no room on the disk


NO_FILES = {
    "folder": lambda path: path.mkdir(),
    "full folder": folder_with_a_file,
    "socket": socket_at,
    "pipe": os.mkfifo,
    "gigabyte": gigabyte,
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_anything_but_a_request_is_removed_and_the_next_request_is_answered(campus, kind):
    folder = campus.site.folder / FOLDER
    place = NO_FILES[kind]
    place(folder / REQUEST)
    withdraw(campus.site.folder)  # by the pages, which cannot remove every kind
    if not os.path.lexists(folder / REQUEST):
        place(folder / REQUEST)
    (line,) = list(take(campus.site.folder))
    assert line.startswith("refused: device.json: ")
    assert not os.path.lexists(folder / REQUEST) and list(take(campus.site.folder)) == []
    for name in (ANSWER, f"{ANSWER}.new"):
        place(folder / name)
    ask(campus.site.folder, new_request(action="remove", kiosk="north-9", by="x"), 0.0)
    assert list(take(campus.site.folder))[-1] == "refused: kiosk"
    answer = read_answer(campus.site.folder, 0.0)
    assert answer is not None and answer.reason == "kiosk"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_owner_is_not_read(campus):
    path = campus.site.folder / FOLDER / REQUEST
    path.write_text(json.dumps({"id": "0" * 32, "action": "remove", "kiosk": "a", "by": "x"}))
    os.chown(path, 12345, 12345)
    (line,) = list(take(campus.site.folder))
    assert "of the folder's owner" in line and not path.exists()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_link_or_file_in_place_of_the_requests_folder_is_refused(campus, tmp_path, kind):
    folder = campus.site.folder / FOLDER
    folder.rmdir()
    if kind == "link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.touch()
    (line,) = list(take(campus.site.folder))
    assert line.startswith("refused: requests: ")


def test_requests_are_limited_by_the_hour_even_if_the_clock_jumps(campus, tmp_path):
    def reply_at(at):
        request = new_request(action="remove", kiosk="north-9", by="x")
        ask(campus.site.folder, request, at)
        return list(take(campus.site.folder, tmp_path, lambda: at))[-1]

    for number in range(MOST_AN_HOUR):
        assert reply_at(10_000.0 + number) == "refused: kiosk"
    assert reply_at(10_030.0) == "refused: device_often" == reply_at(9_000.0)
    assert reply_at(20_000.0) == "refused: kiosk"
    assert not (campus.site.folder / FOLDER / device_service.TIMES).exists()


def test_a_gateway_has_no_more_kiosks_than_it_serves(campus):
    many = [f"k-{number}" for number in range(MAX_KIOSKS)]
    request = new_request(action="add", kiosk="north-9", gate="north", by="x")
    check(request, campus.file, many[1:])
    with pytest.raises(ActionError, match="many_kiosks"):
        check(request, campus.file, many)


def test_the_command_waits_for_requests_where_systemd_does_not_run(campus):
    form = {"kiosk": "north-6", "gate": "north", "title": ""}
    progress_after(campus, "add", **form)
    done = CliRunner().invoke(cli, ["provision", "requests", str(campus.site.folder)])
    assert done.exit_code == 0 and "asks: add north-6 north" in done.output
    assert "north-6" in campus.file.kiosks


def test_a_lamp_post_has_a_page_a_setup_code_and_the_settings_of_its_siren(campus):
    folder = campus.site.folder
    list(steps.add(folder, "door-1", "door", {}))  # a third gate: the Pi has no pins for it
    restarted(campus)
    devices = campus.client.get("/admin/devices").text
    assert (
        "增加灯柱" in devices and '<form method="post" action="/admin/devices/add-post' in devices
    )
    invalid = {"kiosk": "door-post", "gate": "west", "title": ""}
    refused = post(campus.client, "/admin/devices/add-post", "/admin/devices", **invalid)
    assert refused.status_code == 400 and "没有此校门" in refused.text
    assert refused.text.count('value="door-post"') == 1, "kept in its own form alone"
    text = progress_after(campus, "add-post", kiosk="door-post", gate="door", title="")
    assert "增加灯柱 · door-post" in text
    assert served(campus)[0] == "'李伟' asks: add_post door-post door"
    text = html.unescape(campus.client.get(PROGRESS).text)
    assert "door-post：已加入door，为其灯柱" in text
    assert 'href="/admin/kiosks/door-post#by-phone"' in text
    client = campus.client
    devices = client.get("/admin/devices").text
    place = devices.index('id="replace"')
    assert 'href="/admin/kiosks/door-post#by-phone"' in devices[place:], "another board for it"

    board = client.get("/board/door").text
    assert "本门的灯在独立的灯柱上：door-post。" in board and "本门没有灯" not in board

    waits = re.search(r">door-post</a>(.*?)</li>", client.get("/admin/overview").text, re.DOTALL)
    assert waits and "灯柱" in waits[1]
    table = client.get("/admin/kiosks").text
    assert '<a href="/admin/kiosks/door-post">door-post</a>' in table and "灯柱" in table
    assert '<option value="door-post">' in table, "it can be updated"
    page = client.get("/admin/kiosks/door-post")
    assert page.status_code == 200 and "灯柱显示所属校门的报警，不测温" in page.text
    assert "<h1>灯柱“door-post” " in page.text, "its gate's name is in its own"
    assert f"provision post {folder} door-post --port /dev/ttyUSB0" in page.text
    assert "校准" not in page.text
    form = page.text[page.text.index('id="settings"') :].partition("</form>")[0]
    assert re.findall(r'<(?:input|select) name="(\w+)"', form) == ["volume", "quiet"]
    assert "灯柱自有设置" in form and "测温机" not in form
    assert 'action="/admin/kiosks/door-post/identify"' in page.text
    assert "黄灯将闪烁十秒" in client.get("/admin/kiosks/door-post?done=identify").text
    silenced = {"version": "0", "volume": "0", "quiet": "22:00-06:30"}
    of_post = ("/admin/kiosks/door-post/settings", "/admin/kiosks/door-post")
    assert post(client, *of_post, **silenced).status_code == 303
    values = current(campus.pages.settings.as_user("admin"), "door-post").values
    assert values and (values.volume, values.quiet_from, values.quiet_to) == (0, "22:00", "06:30")
    sent = client.get(f"{of_post[1]}?done=settings").text
    assert "等待灯柱" in sent and "离线的灯柱恢复后生效" in sent
    sent = sent[sent.index("<main") : sent.index("</main>")]
    of_kiosks = re.findall(r"[^<>]*测温机[^<>]*", sent)
    assert len(of_kiosks) == 2 and of_kiosks[0] == "← 测温机", "else the page speaks of a post"
    assert "临时接上一块测温机的显示屏" in of_kiosks[1]
    refused = post(client, *of_post, version="1", threshold_c="37.0")
    assert refused.status_code == 400 and "灯柱只有音量和静音时段" in refused.text
    path = str(campus.site.settings_path)
    command = ["settings", "door-post", "--site", "forehead", "--settings", path]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 1 and "volume and quiet" in str(done.exception)
    code_page = post(client, "/admin/kiosks/door-post/setup-code", "/admin/kiosks/door-post")
    assert re.search(r"<code>[^<]+/[^<]+</code>", code_page.text)
    with open_reader(campus.site.database) as reader:
        states = {kiosk.kiosk: kiosk.post for kiosk in read_kiosks(reader, campus.file)}
    assert states["door-post"] and not states["door-1"]

    progress_after(campus, "remove", kiosk="door-post", because="stolen")
    output = "\n".join(served(campus))
    assert "凭据已作废；其灯转为黄灯" in output and "door没有灯" in output
    audit = [(entry.action, entry.what) for entry in campus.pages.store.audit(9)]
    assert ("add post", "door-post door") in audit and ("remove post", "door-post stolen") in audit
    assert "door-post" not in campus.client.get("/admin/kiosks").text
    assert "door-post" not in campus.file.devices
