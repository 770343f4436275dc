"""Shows one record: both ids, both sides' agreed values, and what became of its changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sync.errors import Rejected
from sync.keys import canonical
from sync.runtime import Runtime
from sync.stores.couple import Couple
from sync.stores.ledger import FieldChange, Line, Result
from sync.stores.parked import Parked


@dataclass(frozen=True)
class Written:
    """The last write of one field: the change, and the ledger line that tells of it."""

    line: Line
    change: FieldChange


@dataclass(frozen=True)
class Shown:
    """What is known of one record. `written` tells where the fields' values came from, as far as the history goes;
    `secret` names the fields whose values must not be shown.
    """

    couple: Couple
    history: list[Line]
    parked: list[Parked]
    secret: frozenset[str]
    written: dict[str, Written] = field(default_factory=dict)


async def show(runtime: Runtime, record: str) -> Shown:
    """Look a record up as `TWO/AARONFIT0001` (the customer pair) or `customer/TWO/AARONFIT0001`.

    Raises Rejected when the text names no installed pair and company, or nothing is known of the record.
    """
    pair, company, key = parse_record(runtime, record)
    couple = (await runtime.crosswalk.read(company, pair, [key]))[key]
    history = await runtime.ledger.history(company, pair, key)
    parked = [entry async for entry in runtime.parked.list(company, pair) if entry.key == key]
    if not (couple.etag or history or parked):
        raise Rejected(
            f"Nothing is known of {pair} {company}/{key}: no change of it was seen yet.", code="unknown_record"
        )
    secret = frozenset(rule.name for rule in runtime.mappings[pair].fields if rule.secret)
    return Shown(couple, history, parked, secret, last_writes(history))


def last_writes(history: Iterable[Line]) -> dict[str, Written]:
    """The last write of each field. `history` comes newest first."""
    found: dict[str, Written] = {}
    for line in history:
        if line.result in {Result.CREATED, Result.UPDATED}:
            # A record that went round twice has two changes of a field in one line, the later one last.
            for change in reversed(line.changes):
                found.setdefault(change.field, Written(line, change))
    return found


def parse_record(runtime: Runtime, record: str) -> tuple[str, str, str]:
    """(pair, company, key) of a record as people write it. Raises Rejected when it names none."""
    parts = record.split("/", 2)
    if len(parts) == 2 and len(runtime.mappings) == 1:
        parts.insert(0, next(iter(runtime.mappings)))
    if len(parts) == 2 and "customer" in runtime.mappings:
        parts.insert(0, "customer")
    if len(parts) != 3 or parts[0] not in runtime.mappings or parts[1].upper() not in runtime.settings.companies:
        raise Rejected(
            f"{record!r} names no record: write PAIR/COMPANY/ID, such as customer/{runtime.settings.companies[0]}/AARONFIT0001.",
            code="unknown_record",
        )
    return parts[0], parts[1].upper(), canonical(parts[2])
