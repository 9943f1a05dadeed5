"""What several files here begin with."""

import pytest


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The pages of a gateway that has seen a fever."""
    from pages_site import Site, quick

    from fevergate.web_common import accounts

    monkeypatch.setattr(accounts, "PasswordHasher", quick)
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture
def guard(site):
    return site.client("Zhang")


@pytest.fixture
def administrator(site):
    return site.client("李伟")
