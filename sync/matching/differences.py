"""In what two records differ that may be coupled, and what each policy of the first coupling would write."""

import hashlib
import json
from collections.abc import Mapping as Table
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sync.convert import MappedField
from sync.mapping import Mapping
from sync.system import Record
from sync.value import Value, same, to_json
from sync.way import FromGp, Lookups

TO_DATAVERSE: Final = "GP's value goes to Dataverse"
TO_GP: Final = "Dataverse's value goes to GP"
NOTHING: Final = "both stay as they are"
ASK: Final = "a person is asked"

POLICIES: Final = ("owner", "newest", "fill", "review")
MASK: Final = "***"


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


def differences(mapping: Mapping, lookups: Lookups, gp: Record, dataverse: Record, newer: str) -> list[Difference]:
    """The fields that do not agree, in the mapping's order. `newer`: the side changed last (`gp`, `d365`), blank if unknown."""
    way = FromGp(mapping, lookups)
    converted = mapping.convert(gp.values, lookups)
    found = [
        _problem(mapping.fields_by_name[each.field], dataverse, each.message)
        for each in converted.problems
        if each.field in mapping.fields_by_name
    ]
    for name, halves in converted.fields.items():
        field, present = mapping.field(name), dataverse.values.get(name)
        if not same(halves.target, present) and not way.alike(field, gp, dataverse):
            found.append(_difference(field, halves.target, present, newer))
    return found


def newer_of(gp_stamp: str, dataverse_stamp: str) -> str:
    """Which side was changed last, by the stamps as the systems tell them; blank when one of them tells none."""
    if not gp_stamp or not dataverse_stamp:
        return ""
    return "gp" if _moment(gp_stamp) > _moment(dataverse_stamp) else "d365"


def fingerprint(mapping: Mapping, values: Table[str, Value]) -> str:
    """A digest of one side of a record, by attribute; of everything but secrets, which no report tells."""
    told = {name: to_json(values.get(name)) for name in mapping.attributes if not mapping.field(name).secret}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def shown(field: MappedField, value: Value) -> Value:
    """A value as it may be told."""
    return MASK if field.secret and value is not None else value


def _difference(field: MappedField, wanted: Value, present: Value, newer: str) -> Difference:
    by = {policy: _outcome(field, policy, wanted, present, newer) for policy in POLICIES}
    will = _outcome(field, field.first_sync, wanted, present, newer)
    return Difference(field.name, shown(field, wanted), shown(field, present), will, by)


def _problem(field: MappedField, dataverse: Record, message: str) -> Difference:
    present = shown(field, dataverse.values.get(field.name))
    return Difference(field.name, None, present, "the couple is parked", dict.fromkeys(POLICIES, ""), message)


def _outcome(field: MappedField, policy: str, wanted: Value, present: Value, newer: str) -> str:
    """What a policy makes of two values that differ. What has no way back to GP stays in Dataverse alone."""
    policy = _resolved(field, policy, newer)
    if policy == "gp" or (present is None and policy != "d365"):
        return TO_DATAVERSE if field.side != "d365" else NOTHING
    if policy == "d365" or wanted is None:
        return TO_GP if field.side is None else NOTHING
    return ASK if policy == "review" else NOTHING


def _resolved(field: MappedField, policy: str, newer: str) -> str:
    """Down to one of `gp`, `d365`, `fill`, `review`."""
    if policy == "owner":
        policy = field.side or field.owner
    if policy in ("newest", "latest"):
        return field.side or newer or "review"
    return policy


def _moment(stamp: str) -> datetime:
    moment = datetime.fromisoformat(stamp)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
