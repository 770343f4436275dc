"""Shows one record: both ids, both sides' agreed values, and what became of its changes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from sync.errors import Rejected
from sync.keys import canonical, join_key, split_key
from sync.mapping import Mapping
from sync.mapping_model import Side
from sync.pauses import VISIBILITY
from sync.runtime import Runtime
from sync.stores.couple import Couple
from sync.stores.ledger import FieldChange, Line, Result
from sync.stores.parked import Parked

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Written:
    """The last write of one field: the change, and the ledger line that tells of it."""

    line: Line
    change: FieldChange


@dataclass(frozen=True)
class Absence:
    """A record that was not found on one side: when that was, and from when on it counts as deleted if it is missing still
    (ISO texts).
    """

    side: Side
    seen: str
    acts_after: str


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
    absence: Absence | None = None


async def show(runtime: Runtime, record: str) -> Shown:
    """Look a record up as `TWO/AARONFIT0001` (the customer pair) or `customer/TWO/AARONFIT0001`; Dataverse's id will do too.

    Raises Rejected when the text names no installed pair and company, or nothing is known of the record.
    """
    pair, company, key = parse_record(runtime, record)
    couple = await find_couple(runtime, pair, company, key)
    names = [name for name in dict.fromkeys((couple.key, couple.id)) if name]
    lines = [line for name in names for line in await runtime.ledger.history(company, pair, name)]
    history = sorted(lines, key=lambda line: line.done_at, reverse=True)
    parked = [entry async for entry in runtime.parked.list(company, pair) if entry.key in names]
    if not (couple.etag or history or parked):
        raise Rejected(
            f"Nothing is known of {pair} {company}/{key}: no change of it was seen yet.", code="unknown_record"
        )
    secret = frozenset(rule.name for rule in runtime.mappings[pair].fields if rule.secret)
    absence = absence_of(couple, VISIBILITY * runtime.settings.time_scale)
    return Shown(couple, history, parked, secret, last_writes(history), absence)


def absence_of(couple: Couple, span: timedelta) -> Absence | None:
    """Whether it was not found at one look and waits for the other one, which comes after `span`."""
    if couple.missing is None or couple.stored is None:
        return None
    return Absence(couple.missing, couple.stored.isoformat(), (couple.stored + span).isoformat())


async def find_couple(runtime: Runtime, pair: str, company: str, key: str) -> Couple:
    """The couple of a record, named by its id on either side; a blank one when nothing is known of it."""
    if is_id(key):
        return (await runtime.crosswalk.read_ids(company, pair, [key]))[key]
    return (await runtime.crosswalk.read(company, pair, [key]))[key]


def is_id(key: str) -> bool:
    """Whether it is a Dataverse id."""
    return _ID.fullmatch(key) is not None


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
    return parts[0], parts[1].upper(), _key(runtime.mappings[parts[0]], parts[2])


def _key(mapping: Mapping, text: str) -> str:
    """A Dataverse id, or a key of GP in its one spelling. Raises Rejected when a key of several columns has other parts."""
    if is_id(text.lower()):
        return text.lower()
    columns = mapping.gp.key
    key = join_key(split_key(text, len(columns))) if len(columns) > 1 else canonical(text)
    if not key and len(columns) > 1:
        raise Rejected(
            f"{text!r} is no id of {mapping.pair}: write {'~'.join(columns)}; a ~ inside a part as ^~.",
            code="unknown_record",
        )
    return key
