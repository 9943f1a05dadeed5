"""Fixtures that several files of this folder use."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def quick_passwords():
    """Use a fast password hash: the real one is slow on purpose, and each test's pages make three.
    tests/system and tests/browser use the real one."""
    from pages_site import quick

    from fevergate.web_common import accounts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "PasswordHasher", quick)
        yield


@pytest.fixture
def site(tmp_path):
    """The pages of a gateway that has seen a fever."""
    from pages_site import Site

    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture
def guard(site):
    return site.client("Zhang")


@pytest.fixture
def administrator(site):
    return site.client("李伟")
