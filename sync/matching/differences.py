"""In what two records differ that may be coupled, and what each policy of the first coupling would write."""

import hashlib
import json
from collections.abc import Mapping as Table
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sync.convert import MappedField
from sync.mapping import Mapping
from sync.mapping_model import FirstSync, Side
from sync.merge import Move, Ruling, Sides, decide
from sync.merging import changed_last, is_dated
from sync.system import Record
from sync.value import Value, same, to_json
from sync.way import FromGp, Lookups

TO_DATAVERSE: Final = "GP's value goes to Dataverse"
TO_GP: Final = "Dataverse's value goes to GP"
NOTHING: Final = "both stay as they are"
ASK: Final = "a person is asked"

POLICIES: Final[tuple[FirstSync, ...]] = ("owner", "newest", "fill", "review")
MASK: Final = "***"

_WHAT: Final = {Move.WRITE: TO_DATAVERSE, Move.OTHER: TO_GP, Move.REVIEW: ASK}


@dataclass(frozen=True)
class Difference:
    """One field. `gp`: what Dataverse would hold if GP's value went there; `will`: what becomes of it by the mapping as it is;
    `by` says the same for each of POLICIES. With `problem` GP's value can't pass, and the couple would be parked.
    """

    field: str
    gp: Value
    dataverse: Value
    will: str
    by: dict[str, str]
    problem: str = ""


def differences(
    mapping: Mapping, lookups: Lookups, gp: Record, dataverse: Record, newer: Side | None
) -> list[Difference]:
    """The fields that do not agree, in the mapping's order. `newer`: the side changed last, where that is known."""
    way = FromGp(mapping, lookups)
    converted, filled = mapping.convert(gp.values, lookups), way.filled(gp, dataverse)
    found = [
        _problem(mapping.fields_by_name[each.field], dataverse, each.message)
        for each in converted.problems
        if each.field in mapping.fields_by_name
    ]
    for name, halves in converted.fields.items():
        field, present = mapping.field(name), dataverse.values.get(name)
        if not same(halves.target, present) and not way.alike(field, gp, dataverse):
            sides = Sides(halves.source, halves.target, present, None, filled=filled.get(name))
            found.append(_difference(field, sides, newer))
    return found


def newer_of(gp_stamp: str, dataverse_stamp: str) -> Side | None:
    """Which side was changed last, by the stamps as the systems tell them, as far as both clocks tell."""
    return changed_last(gp_stamp, datetime.fromisoformat(dataverse_stamp) if dataverse_stamp else None)


def fingerprint(mapping: Mapping, values: Table[str, Value]) -> str:
    """A digest of one side of a record, by attribute; of everything but secrets, which no report tells."""
    told = {name: to_json(values.get(name)) for name in mapping.attributes if not mapping.field(name).secret}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def shown(field: MappedField, value: Value) -> Value:
    """A value as it may be told."""
    return MASK if field.secret and value is not None else value


def _difference(field: MappedField, sides: Sides, newer: Side | None) -> Difference:
    by: dict[str, str] = {policy: _outcome(field, field.first_by(policy), sides, newer) for policy in POLICIES}
    will = _outcome(field, field.first_sync, sides, newer)
    return Difference(field.name, shown(field, sides.wanted), shown(field, sides.present), will, by)


def _problem(field: MappedField, dataverse: Record, message: str) -> Difference:
    present = shown(field, dataverse.values.get(field.name))
    return Difference(field.name, None, present, "the couple is parked", dict.fromkeys(POLICIES, ""), message)


def _outcome(field: MappedField, policy: FirstSync, sides: Sides, newer: Side | None) -> str:
    """What a policy makes of two values that differ: what the line would do."""
    ruling = Ruling(field.side, first_sync=policy, newer=newer if is_dated(field) else None)
    return _WHAT.get(decide(sides, ruling, coupling=True)[0], NOTHING)
