"""The key that encrypts people's names is made once, whichever process starts first."""

import secrets

from fevergate.crypto.field_encryption import KEY, Vault

NAME = {"name": "欧阳娜娜"}


def test_gateway_and_pages_that_start_at_once_have_one_key(tmp_path, monkeypatch):
    random, pages = secrets.token_bytes, []

    def meanwhile(count):
        monkeypatch.undo()
        pages.append(Vault(tmp_path / KEY))
        return random(count)

    monkeypatch.setattr(secrets, "token_bytes", meanwhile)
    gateway = Vault(tmp_path / KEY)
    assert gateway.open(pages[0].seal(NAME)) == NAME
    assert Vault(tmp_path / KEY).open(gateway.seal(NAME)) == NAME
    assert sorted(path.name for path in tmp_path.iterdir()) == [".good", KEY]
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
