"""Each channel against a real server: it takes a notice, refuses it or is away; no secret leaks."""

import ssl

import pytest
from aiosmtpd.smtp import AuthResult
from notice_helpers import SENDER, MailServer, WebServer, campus_settings, notice, reply

from fevergate.crypto.pki import ensure_authority, ensure_server
from fevergate.errors import NoticeError
from fevergate.notices.channels import channels
from fevergate.notices.mail import email_of


def mailing(server, folder, **fields):
    settings = campus_settings(smtp=server.smtp(**fields))
    settings.folder = folder
    return channels(settings)["email"]


def test_a_mail_arrives_in_chinese_with_a_name_by_which_a_repeat_is_known(tmp_path):
    with MailServer() as server:
        email = mailing(server, tmp_path)
        for _ in range(2):
            email.send(notice())
        email.send(notice(key="fever/east/north-1/1/8"))
    first, repeat, third = server.mails
    assert first["Subject"] == notice().subject and first["From"] == f"FeverGate <{SENDER}>"
    assert "37.9 °C" in first.get_content() and first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == repeat["Message-ID"] != third["Message-ID"]


@pytest.mark.parametrize(
    ("refuse", "away"),
    [
        ({"RCPT": "550 no such person"}, False),
        ({"DATA": "552 too large"}, False),
        ({"MAIL": "450 try later"}, True),
    ],
)
def test_what_a_mail_server_says_is_kept_and_whether_others_are_worth_a_try(tmp_path, refuse, away):
    with MailServer() as server:
        server.refuse = refuse
        with pytest.raises(NoticeError, match=next(iter(refuse.values()))) as error:
            mailing(server, tmp_path).send(notice())
    assert error.value.away == away and server.mails == []


def test_a_mail_server_that_is_away_or_hangs_up_is_said_to_be(tmp_path):
    with MailServer() as server:
        server.hang_up_at = "DATA"
        with pytest.raises(NoticeError) as error:
            mailing(server, tmp_path).send(notice())
        assert error.value.away
        # The mail was taken by then, so the server's hanging up changes nothing.
        server.hang_up_at = "QUIT"
        mailing(server, tmp_path).send(notice())
    with pytest.raises(NoticeError) as error:
        mailing(server, tmp_path).send(notice())
    assert error.value.away


def test_a_mail_goes_over_tls_to_whom_the_authority_knows_and_nobody_else(tmp_path):
    ensure_authority(tmp_path, "east")
    ensure_server(tmp_path, "server", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    (tmp_path / "smtp.password").write_text("hunter22\n")
    logins = []

    def authenticate(_server, _session, _envelope, _mechanism, data):
        logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"hunter22", handled=True)

    more = {"tls_context": context, "require_starttls": True, "authenticator": authenticate}
    with MailServer(auth_require_tls=True, **more) as server:
        options = {"security": "starttls", "username": "fevergate", "ca": "ca.crt"}
        mailing(server, tmp_path, **options).send(notice())
        assert len(server.mails) == 1 and logins[-1] == (b"fevergate", b"hunter22")
        with pytest.raises(NoticeError, match="certificate"):
            mailing(server, tmp_path, **options | {"ca": None}).send(notice())
        (tmp_path / "smtp.password").write_text("wrong-password\n")
        with pytest.raises(NoticeError) as error:
            mailing(server, tmp_path, **options).send(notice())
    assert len(server.mails) == 1 and "wrong-password" not in str(error.value)


@pytest.mark.parametrize("bad", ["a@b\r\nBcc: c@d", "nobody", "<a@b>", ""])
def test_nothing_is_smuggled_into_a_mails_head(bad):
    with pytest.raises(NoticeError):
        email_of(notice(address=bad), SENDER, campus_settings().zone)
    message = email_of(notice(subject="a\r\nBcc: c@d"), SENDER, campus_settings().zone)
    assert "Bcc" not in message and message["Subject"] == "a Bcc: c@d"


SECRET = "/hook/T0pSecret?key=abcd-efgh"


@pytest.fixture
def web():
    with WebServer() as web:
        yield web


def sent(web, channel, path=SECRET, **fields):
    ways = channels(campus_settings())
    ways[channel].send(notice(channel=channel, address=web.url + path, **fields))
    return web.posted[-1]


def test_a_webhook_gets_what_happened_as_json(web):
    path, content = sent(web, "webhook")
    assert path == SECRET and content["key"] == notice().key and content["v"] == 1
    assert content["subject"] == notice().subject


def test_ntfy_gets_its_topic_title_and_urgency(web):
    path, content = sent(web, "ntfy", "/fevergate")
    assert path == "/" and content["topic"] == "fevergate" and content["priority"] == 5
    assert content["title"] == notice().subject


@pytest.mark.parametrize("channel", ["wecom", "dingtalk"])
def test_a_robots_refusal_in_an_http_200_is_a_failure(web, channel):
    web.answer = lambda to: reply(to, 200, b'{"errcode":0,"errmsg":"ok"}')
    _, content = sent(web, channel)
    assert content["msgtype"] == "text" and notice().body in content["text"]["content"]
    web.answer = lambda to: reply(to, 200, b'{"errcode":93000,"errmsg":"invalid webhook url"}')
    with pytest.raises(NoticeError, match="93000: invalid web"):
        sent(web, channel)
    web.answer = lambda to: reply(to, 200, b"<html>")
    with pytest.raises(NoticeError, match="not understood"):
        sent(web, channel)


def test_a_text_that_is_too_long_is_cut_between_characters(web):
    web.answer = lambda to: reply(to, 200, b'{"errcode":0}')
    _, content = sent(web, "wecom", body="热" * 3000)
    text = content["text"]["content"]
    assert len(text.encode()) <= 2048 and text.endswith("热…")


@pytest.mark.parametrize("channel", ["webhook", "ntfy", "wecom", "dingtalk"])
def test_an_http_error_is_a_failure_no_redirect_is_followed_and_no_secret_leaks(web, channel):
    for status, more in ((500, {}), (404, {}), (302, {"Location": web.url + "/elsewhere"})):
        web.answer = lambda to, s=status, m=more: reply(to, s, f"no {SECRET}".encode(), **m)
        before = len(web.posted)
        with pytest.raises(NoticeError, match=f"HTTP {status}") as error:
            sent(web, channel)
        assert len(web.posted) == before + 1
        assert "T0pSecret" not in str(error.value) and "abcd-efgh" not in str(error.value)


def test_an_answer_without_end_is_not_read_to_its_end(web):
    web.answer = lambda to: reply(to, 500, b"x" * 10_000_000)
    with pytest.raises(NoticeError) as error:
        sent(web, "webhook")
    assert len(str(error.value)) < 400


def test_a_server_that_does_not_answer_is_away(web):
    address = "http://127.0.0.1:1" + SECRET
    with pytest.raises(NoticeError) as error:
        channels(campus_settings())["webhook"].send(notice(channel="webhook", address=address))
    assert error.value.away and "T0pSecret" not in str(error.value)


def test_the_systems_authorities_are_read_once_for_the_first_notice(web, monkeypatch):
    """Pages and gateway start without these authorities: a Pi takes a second to read them."""
    read, create = [], ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: read.append(1) or create())
    webhook = channels(campus_settings())["webhook"]
    assert read == []
    for _ in range(2):
        webhook.send(notice(channel="webhook", address=web.url))
    assert read == [1] and len(web.posted) == 2
