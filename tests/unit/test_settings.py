"""Settings: every fault at once, named as the administrator sees it; no secret in sight."""

import pytest

from sync.errors import BadSettings
from sync.settings import read_settings

GOOD = {
    "GP365_GP_SERVER": "sql01",
    "GP365_GP_USER": "gp365",
    "GP365_GP_PASSWORD": "hidden-password",
    "GP365_COMPANIES": "two, THREE",
    "GP365_DATAVERSE_URL": "https://contoso.crm4.dynamics.com/",
    "GP365_TENANT_ID": "t",
    "GP365_CLIENT_ID": "c",
    "GP365_CLIENT_SECRET": "hidden-secret",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}


@pytest.fixture(autouse=True)
def good_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_good_settings_are_read_and_normalised() -> None:
    settings = read_settings()
    assert settings.companies == ("TWO", "THREE")
    assert settings.dataverse_url == "https://contoso.crm4.dynamics.com"


def test_secrets_do_not_show() -> None:
    assert "hidden" not in repr(read_settings())


def test_every_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)
    with pytest.raises(BadSettings) as caught:
        read_settings()
    for name in ("GP365_GP_SERVER", "GP365_GP_PASSWORD", "GP365_COMPANIES", "GP365_DATAVERSE_URL"):
        assert f"{name} is missing" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GP365_GP_PORT", "abc", "GP365_GP_PORT"),
        ("GP365_COMPANIES", " , ", "GP365_COMPANIES"),
        ("GP365_COMPANIES", "TOOLONG", "GP365_COMPANIES"),
        ("GP365_DATAVERSE_URL", "http://contoso", "GP365_DATAVERSE_URL"),
        ("GP365_CLIENT_SECRET", "", "GP365_CLIENT_SECRET"),
        ("GP365_TENANT_ID", "", "GP365_TENANT_ID"),
        ("AzureWebJobsStorage", "", "AzureWebJobsStorage"),
        ("GP365_TIME_SCALE", "0.1", "GP365_TIME_SCALE"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        read_settings()
    assert said in caught.value.message
    assert "hidden" not in caught.value.message
