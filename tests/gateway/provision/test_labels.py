"""A label's QR code leads to the kiosk that its words name, as an independent decoder reads it."""

import io

import pdfplumber
import pytest
import zxingcpp
from click.testing import CliRunner

from fevergate.cli import cli
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.provision import provision
from fevergate.provision.titles import Titles

KIOSKS = [f"north-{number}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels") / "site"
    provision(
        folder,
        campus="east",
        gateway="gw",
        gates={"north": KIOSKS},
        broker_host="192.168.1.10",
        wifi_ssid="campus",
        wifi_password="hunter2hunter2",
        titles=Titles("东校区"),
        gate_titles={"north": Titles("北门")},
    )
    return folder


def labels(folder, *arguments):
    done = CliRunner().invoke(cli, ["provision", "labels", str(folder), *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def codes(page):
    return {code.text for code in zxingcpp.read_barcodes(page.to_image(resolution=200).original)}


def test_every_kiosk_has_a_label_that_leads_to_its_page(folder):
    assert "12 张标签" in labels(folder)
    content = (folder / "labels.pdf").read_bytes()
    with pdfplumber.open(io.BytesIO(content)) as document:
        assert [len(codes(page)) for page in document.pages] == [10, 2]
        links = set().union(*(codes(page) for page in document.pages))
        text = "".join(page.extract_text() for page in document.pages)
    assert links == {f"https://192.168.1.10:8443/admin/kiosks/{kiosk}" for kiosk in KIOSKS}
    assert "north-12" in text and "东校区 · 北门" in text and "不作诊断" in text
    for secret in folder.glob("kiosks/*/settings.json"):
        assert b"hunter2" not in content and secret.read_bytes() not in content


def test_some_kiosks_and_another_address(folder, tmp_path):
    to = tmp_path / "some.pdf"
    labels(folder, "north-2", "--to", str(to), "--url", "https://gate.example.edu.cn/")
    with pdfplumber.open(to) as document:
        assert codes(document.pages[0]) == {"https://gate.example.edu.cn/admin/kiosks/north-2"}


def test_a_code_that_no_telephone_can_follow_is_warned_of(tmp_path):
    provision(tmp_path / "a", campus="east", gateway="gw", gates={"north": ["north-1"]})
    assert "--url" in labels(tmp_path / "a")


def test_what_is_wrong_is_named(folder):
    with pytest.raises(NothingFoundError, match="'south-1': expected one of north-1"):
        labels(folder, "south-1")
    with pytest.raises(ProvisionError, match="expected https://"):
        labels(folder, "--url", "gate")
