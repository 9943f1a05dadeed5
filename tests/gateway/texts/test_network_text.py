"""A failed connection is explained in Chinese, with the system's own text beside it."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from fevergate.crypto import pki
from fevergate.texts.network_text import connection_error


def authority(folder: Path, host: str) -> Path:
    """A folder with an authority and the certificate of a server named `host`."""
    folder.mkdir()
    pki.ensure_authority(folder, "east")
    pki.ensure_server(folder, "broker", [host])
    return folder


def handshake(server: Path, ca: Path) -> str:
    """Why a client that trusts `ca` and asks for localhost ends the handshake with a server."""
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(server / "broker.crt", server / "broker.key")
    client_end, server_end = socket.socketpair()

    def serve() -> None:
        with server_end, pytest.raises(ssl.SSLError):
            serves.wrap_socket(server_end, server_side=True)

    thread = threading.Thread(target=serve)
    thread.start()
    context = ssl.create_default_context(cafile=ca / "ca.crt")
    try:
        with client_end, pytest.raises(ssl.SSLError) as error:
            context.wrap_socket(client_end, server_hostname="localhost")
    finally:
        thread.join()
    return str(error.value)


def test_a_closed_port_is_told_from_an_unknown_name():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    with pytest.raises(ConnectionRefusedError) as refused:
        socket.create_connection(address)

    chinese, english = connection_error(refused.value)
    assert chinese == f"该地址和端口没有程序接受连接（{refused.value}）"
    assert english == str(refused.value)
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert connection_error(unknown)[0].startswith("域名无法解析（")


def test_a_certificate_of_another_name_is_told_from_one_of_another_authority(tmp_path):
    local, elsewhere = (
        authority(tmp_path / "ours", "localhost"),
        authority(tmp_path / "x", "elsewhere"),
    )

    assert connection_error(handshake(local, elsewhere))[0].startswith(
        "对方证书的签发机构在本机不受信任（"
    )
    assert connection_error(handshake(elsewhere, elsewhere))[0].startswith(
        "对方证书不是发给该名称的（"
    )


@pytest.mark.parametrize("text", ["", "another error", "<script>"])
def test_an_unknown_error_stays_as_it_is(text):
    assert connection_error(text) == (text, text)
