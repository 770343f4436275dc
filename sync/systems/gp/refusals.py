"""The numbers by which eConnect refuses a record, in the words of the people who run GP: `sync/data/gp-refusals.json`.

The wording is ours. Numbers that are not there come from a partner's Pre or Post procedure; what the company itself says to
them stands in its system database.
"""

import json
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sync.errors import Rejected, SyncError
from sync.systems.gp.client import GpClient
from sync.systems.gp.statements import render

CUSTOMISED = "refused_by_customisation"
EXISTS = frozenset({251, 9366})
"""A new customer, or a new address, that is there already."""
# That an address was not written is told beside why.
_ECHOES = {142, 143, 144, 145}

type Texts = Table[int, str]
"""What a company says to numbers of its own."""


@dataclass(frozen=True)
class Refusal:
    """One number: the code of `sync.errors`, what it means, who mends it and how."""

    code: str
    words: str
    who: str
    step: str


@cache
def catalogue() -> dict[int, Refusal]:
    """All numbers that the three procedures for customers and their addresses can give."""
    entries = json.loads(files("sync").joinpath("data", "gp-refusals.json").read_text("utf-8"))
    return {
        number: Refusal(entry["code"], entry["words"], entry["who"], entry["step"])
        for entry in entries
        for number in entry["numbers"]
    }


def refused(key: str, entity: str, called: str, numbers: Sequence[int], texts: Texts) -> Rejected:
    """The error for a call that gave these numbers."""
    known = [catalogue()[number] for number in numbers if number in catalogue() and number not in _ECHOES]
    leading = next((each for each in known if each.code == CUSTOMISED), known[0] if known else None)
    told = [_told(number, texts) for number in numbers if number not in _ECHOES or len(numbers) == 1]
    advice = f" {leading.who.capitalize()}: {leading.step}." if leading else ""
    return Rejected(
        f"GP refused {key}: {'; '.join(dict.fromkeys(told)) or 'without a number'}.{advice}",
        code=leading.code if leading else "refused_by_target",
        system="gp",
        entity=entity,
        key=key,
        details=f"{called}: {' '.join(map(str, numbers))}",
    )


async def custom_texts(client: GpClient, company: str, numbers: Sequence[int]) -> Texts:
    """What the company says to numbers that are not in the catalogue; nothing where that can't be read."""
    wanted = [number for number in dict.fromkeys(numbers) if number not in catalogue()]
    if not wanted:
        return {}
    statement = render("error_texts", system_database=client.settings.system_database, numbers=wanted)
    try:
        (rows,) = await client.run(company, statement)
    except SyncError:
        return {}
    return {int(str(row["number"])): str(row["told"]).strip() for row in rows}


def _told(number: int, texts: Texts) -> str:
    if number in catalogue():
        return f"{catalogue()[number].words} (error {number})"
    return f"{texts[number]} (error {number} of a customisation)" if number in texts else f"error {number}"
