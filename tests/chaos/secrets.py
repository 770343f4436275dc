"""What nobody may read in a table, on a lane or in a log. Pure: texts are given."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SECRET = re.compile(r"PASSWORD|SECRET|HOOK_KEY")


def secrets_of(settings: Mapping[str, str]) -> list[str]:
    """What of the app's settings is for nobody else."""
    keys = re.findall(r"AccountKey=([^;]+)", settings["AzureWebJobsStorage"])
    return [*keys, *(value for name, value in settings.items() if SECRET.search(name) and value)]


def told(
    secrets: Sequence[str], tables: Mapping[str, Sequence[Mapping[str, Any]]], messages: Sequence[str], log: str
) -> Iterable[str]:
    """Where one of the secrets is found."""
    places = {f"table {name}": json.dumps([dict(row) for row in rows], default=str) for name, rows in tables.items()}
    for place, text in (places | {"lanes": "\n".join(messages), "log": log}).items():
        if any(secret in text for secret in secrets):
            yield f"secret: something of the settings is in the {place}"
