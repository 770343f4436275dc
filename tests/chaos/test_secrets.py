"""A secret is seen wherever it lies."""

import pytest

from tests.chaos.secrets import secrets_of, told

SETTINGS = {
    "AzureWebJobsStorage": "AccountName=a;AccountKey=storage-key;BlobEndpoint=http://b/",
    "GP365_GP_PASSWORD": "sql-word",
    "GP365_CLIENT_SECRET": "client-word",
    "GP365_HOOK_SECRET": "hook-word",
    "GP365_HOOK_KEY": "",
    "GP365_GP_USER": "user",
}
SECRETS = secrets_of(SETTINGS)


def test_keys_and_passwords_are_secrets_and_nothing_else_is() -> None:
    assert sorted(SECRETS) == ["client-word", "hook-word", "sql-word", "storage-key"]


@pytest.mark.parametrize(
    ("where", "tables", "messages", "log"),
    [
        ("table parked", {"parked": [{"message": "login with sql-word"}]}, [], ""),
        ("lanes", {}, ["TWO", "client-word"], ""),
        ("log", {}, [], "POST /?code=hook-word"),
    ],
)
def test_a_secret_is_told_where_it_lies(where: str, tables: dict, messages: list[str], log: str) -> None:
    assert [where in line for line in told(SECRETS, tables, messages, log)] == [True]


def test_what_holds_no_secret_is_well() -> None:
    assert not list(told(SECRETS, {"parked": [{"message": "user"}]}, ["TWO"], "user logged in"))
