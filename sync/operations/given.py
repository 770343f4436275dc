"""A value of its own that a person gives a parked record, instead of either side's."""

import uuid
from collections.abc import Callable
from collections.abc import Mapping as Table
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from sync.errors import Rejected, RetryLater, SyncError
from sync.mapping import Mapping
from sync.operations.resolve import DECIDED, resolve_one
from sync.planning import field_change
from sync.runtime import Runtime
from sync.stores.couple import Planned
from sync.stores.ledger import Line, Result
from sync.stores.parked import Parked
from sync.system import Outcome, Record, Write
from sync.value import Value, same
from sync.way import way_of

_FLAGS: dict[str, Value] = {"true": True, "false": False}
_KINDS: dict[str, Callable[[str], Value]] = {
    "Boolean": lambda text: _FLAGS[text.lower()],
    **dict.fromkeys(("Integer", "BigInt", "Picklist", "State", "Status"), int),
    **dict.fromkeys(("Decimal", "Double", "Money"), Decimal),
}
"""How a person types what is no text, by the kind of attribute."""


async def give(runtime: Runtime, entry: Parked, given: Table[str, str]) -> None:
    """Give fields of one record a value of its own, on both sides: `given` are texts by Dataverse's attributes, a blank one
    empties the field. It is written to Dynamics 365 as a person would, whose values then hold.

    Raises Rejected for a value that does not fit or a record that this is not about, RetryLater when it was just changed.
    """
    name = f"{entry.pair}/{entry.company}/{entry.key}"
    if entry.code not in DECIDED or entry.flow not in runtime.flows:
        raise Rejected(f"{name} is parked as {entry.code}: no value can be given.", code=entry.code, key=entry.key)
    flow = runtime.flows[entry.flow]
    mapping = runtime.mappings[flow.pair]
    values = {attribute: _value(mapping, attribute, text) for attribute, text in given.items()}
    way = way_of(mapping, flow.side)
    [couple] = (await way.couples(runtime.crosswalk, entry.company, flow.pair, [entry.key], close=False)).values()
    if not couple.coupled:
        raise Rejected(f"{name} has no counterpart yet: type the value on one side.", code=entry.code, key=entry.key)
    record = (await runtime.reader.read(entry.company, mapping, [couple.id])).get(couple.id)
    if record is None:
        raise Rejected(f"{name} has no account any more.", code="deleted_in_target", key=entry.key)
    await _write(runtime, mapping, entry, record, values)
    await resolve_one(runtime, entry, "d365")


def _value(mapping: Mapping, attribute: str, text: str) -> Value:
    field = mapping.fields_by_name.get(attribute)
    if field is None or field.side is not None:
        known = ", ".join(name for name, each in mapping.fields_by_name.items() if each.side is None)
        raise Rejected(f"{attribute} is no field that goes both ways; there are {known}.", code="values_differ")
    try:
        return _KINDS.get(field.attribute.type, str)(text) if text else None
    except (ValueError, KeyError, InvalidOperation):
        raise Rejected(f"{text!r} is no value of {attribute} ({field.attribute.type}).", code="values_differ") from None


async def _write(runtime: Runtime, mapping: Mapping, entry: Parked, record: Record, values: Table[str, Value]) -> None:
    """Write what is not there yet, and tell the ledger that a person did."""
    news = {name: value for name, value in values.items() if not same(record.values.get(name), value)}
    if not news:
        return
    write = Write(record.key, news, uuid.uuid4().hex, version=record.version)
    [verdict] = await runtime.records.write(entry.company, mapping, [write])
    if verdict.outcome is not Outcome.WRITTEN:
        raise _unwritten(entry, verdict.error)
    now = datetime.now(UTC).isoformat()
    changes = tuple(
        field_change(mapping, name, Planned(None, record.values.get(name), value), "given by a person")
        for name, value in news.items()
    )
    line = Line(
        entry.key, entry.flow, Result.UPDATED, "a value given by a person", "retry", now, now, uuid.uuid4().hex,
        attempt=write.mark, changes=changes,
    )  # fmt: skip
    await runtime.ledger.write(entry.company, entry.pair, [line], redelivered=False)


def _unwritten(entry: Parked, error: SyncError | None) -> SyncError:
    text = f"{entry.pair}/{entry.company}/{entry.key} was just changed in Dynamics 365."
    return error or RetryLater(text, code="changed_meanwhile")
