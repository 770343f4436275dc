"""From what Dataverse holds to what GP gets: one record at a time, all its problems at once.

What GP holds already is never said anew: where its present values mean the same as Dataverse's, they stay as they are. So
a code that shares its meaning with others, a number typed in another way or a cut text comes back as it was.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sync import gp_limits
from sync.convert import MappedField, Problem, Table, gp_half, holds, show, target_of
from sync.converters import Shared
from sync.errors import Rejected
from sync.fault import Fault
from sync.places import Present
from sync.value import Value, same

type Values = Mapping[str, Value]


@dataclass(frozen=True)
class BackHalves:
    """What each side holds when a field agrees by Dataverse's value: `source` is that value, `target` GP's half of it.
    `columns` is what must be written for it, by GP path; nothing where GP means the same already.
    """

    source: Value
    target: Value
    columns: dict[str, Value]


@dataclass(frozen=True)
class Returned:
    """The fields that have a way back and passed, by Dataverse attribute, and every problem of the others. A problem of a
    field that nobody changed in Dataverse is no reason to park the record. Of a new record the empty fields are left out:
    what GP's class makes of them is GP's to tell. `left` holds GP's half of each of those, as if it made nothing of them.
    """

    fields: dict[str, BackHalves]
    problems: list[Problem]
    left: dict[str, Value] = field(default_factory=dict)


def convert_back(
    fields: Sequence[MappedField], values: Values, lookups: Mapping[str, Table], present: Present
) -> Returned:
    """All fields of one record. Never raises: what can't pass is a problem."""
    returned = Returned({}, [])
    known = dict(present.values)
    for each in sorted(fields, key=lambda mapped: mapped.when is not None):
        try:
            value = _value(each, values)
            if each.when and not holds(each.when, known):
                continue
            if present.new and value is None:
                returned.left[each.name] = gp_half(each, present.values)
                continue
            halves = _halves(each, value, values, lookups, present)
            returned.fields[each.name] = halves
            # The conditions of a record that GP doesn't hold yet are asked of what it will hold.
            known |= halves.columns if present.new else {}
        except Fault as fault:
            returned.problems.append(_problem(each, values, fault))
    return returned


def together(fields: Sequence[MappedField], returned: Returned, present: Values) -> dict[str, Value]:
    """What some fields of a record write together, by path: several may share a column (the addresses of one list).

    Raises Rejected: `value_too_long` when they fit their column one by one and not together, `one_in_gp` when they would give
    it different values.
    """
    _check_apart(fields, returned)
    columns: dict[str, Value] = {}
    shared: dict[str, dict[int, Value]] = defaultdict(dict)
    for each in fields:
        halves = returned.fields[each.name]
        columns |= halves.columns
        if each.converter.shared and halves.columns:
            shared[each.paths[0]][each.options.item] = halves.source
    for each in fields:
        if each.converter.shared and len(shared[each.paths[0]]) > 1:
            columns[each.paths[0]] = _put(each, each.converter.shared, present[each.paths[0]], shared[each.paths[0]])
    return columns


def _check_apart(fields: Sequence[MappedField], returned: Returned) -> None:
    """A bill-to address that does not exist is the customer's own columns, which other fields write too."""
    told: dict[str, Value] = {}
    for each in fields:
        for path, value in returned.fields[each.name].columns.items():
            if not each.converter.shared and not same(told.setdefault(path, value), value):
                text = f"{path} would get two different values, one of them from {each.name}."
                raise Rejected(text, code="one_in_gp", system="gp")


def _halves(
    mapped: MappedField, value: Value, values: Values, lookups: Mapping[str, Table], present: Present
) -> BackHalves:
    held = present.values
    if not present.new and _means(mapped, held, lookups, value):
        return BackHalves(value, gp_half(mapped, held), {})
    columns = _columns(mapped, value, values, lookups, held)
    after = {**held, **columns}
    again = target_of(mapped, after, lookups)
    if mapped.expr and not same(again, value):
        raise Fault("value_invalid", f"would come back from GP as {show(again)}")
    return BackHalves(value, gp_half(mapped, after), columns)


def _value(mapped: MappedField, values: Values) -> Value:
    if mapped.name not in values:
        raise Fault("source_unreadable", "was not read from Dataverse")
    value = values[mapped.name]
    if value in (None, "") and mapped.rule.required:
        raise Fault("value_required", f"must not be empty: GP's {', '.join(mapped.paths)} needs a value")
    return None if value == "" else value


def _means(mapped: MappedField, held: Values, lookups: Mapping[str, Table], value: Value) -> bool:
    """Whether Dataverse would get this value from what GP holds."""
    try:
        return same(target_of(mapped, held, lookups), value)
    except Fault:
        return False


def _columns(
    mapped: MappedField, value: Value, values: Values, lookups: Mapping[str, Table], held: Values
) -> dict[str, Value]:
    made: Sequence[Value]
    if mapped.expr:
        made = [back.run({path: values.get(path) for path in back.paths}) for back in mapped.back.values()]
    elif mapped.rule.lookup:
        made = [_code(mapped, value, lookups)]
    else:
        made = mapped.converter.to_gp(value, mapped.options, [held[path] for path in mapped.writes])
    return {path: _fit(mapped, path, one) for path, one in zip(mapped.writes, made, strict=True)}


def _fit(mapped: MappedField, path: str, value: Value) -> Value:
    target = mapped.writes[path]
    # A letter and its accent may have been typed apart; code page 1252 has them as one.
    value = unicodedata.normalize("NFC", value) if isinstance(value, str) else value
    if mapped.rule.too_long == "truncate":
        value = gp_limits.truncate(value, target)
    return gp_limits.fit(value, target)


def _code(mapped: MappedField, value: Value, lookups: Mapping[str, Table]) -> Value:
    """The one code that means the value, as the mapping file spells it."""
    if value is None:
        return None
    name = mapped.rule.lookup or ""
    table = {**mapped.table, **lookups.get(name, {})}
    codes = [mapped.codes.get(code, code) for code, meaning in table.items() if same(_meaning(mapped, meaning), value)]
    if len(codes) > 1:
        raise Fault("lookup_ambiguous", f"is the value of several codes of the look-up {name}: {', '.join(codes)}")
    if not codes and mapped.converter.keeps_unknown:
        return value
    if not codes:
        raise Fault("lookup_missing", f"is the value of no code of the look-up {name}")
    whole = mapped.writes[mapped.paths[0]].kind == "number" and codes[0].isdecimal()
    return int(codes[0]) if whole else codes[0]


def _meaning(mapped: MappedField, value: Value) -> Value:
    return mapped.converter.to_d365([value], mapped.options)


def _put(mapped: MappedField, shared: Shared, held: Value, wanted: Mapping[int, Value]) -> Value:
    path = mapped.paths[0]
    try:
        return _fit(mapped, path, shared.put(held, wanted))
    except Fault as fault:
        raise Rejected(f"{path}: the list as a whole {fault.text}", code=fault.code, system="gp") from fault


def _problem(mapped: MappedField, values: Values, fault: Fault) -> Problem:
    text = "makes its expression fail" if mapped.secret and mapped.expr else fault.text
    shown = "(hidden)" if mapped.secret else show(values.get(mapped.name))
    return Problem(fault.code, mapped.name, ", ".join(mapped.writes), f"{mapped.name} {shown} {text}")
