"""From what GP holds to what Dataverse gets: one record at a time, all its problems at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sync import limits
from sync.converters import Converter, Fault, Options
from sync.expression import Expression
from sync.keys import canonical
from sync.mapping_model import FieldRule, FirstSync, Owner, Side
from sync.schema import Attribute
from sync.value import Value, normal, visible

type Table = Mapping[str, Value]


@dataclass(frozen=True)
class MappedField:
    """A field of a mapping, ready to run. `rule` holds what the file says, `attribute` the Dataverse column it fills,
    `table` its look-up by canonical code, `side` where it comes from when it has no way back (its own word or the
    pair's).
    """

    rule: FieldRule
    attribute: Attribute
    converter: Converter
    options: Options
    table: Table
    side: Side | None
    expr: Expression | None = None
    when: Expression | None = None

    @property
    def name(self) -> str:
        """The Dataverse attribute's name."""
        return self.rule.dataverse

    @property
    def one_way(self) -> bool:
        """Whether the field has no way back."""
        return self.side is not None

    @property
    def owner(self) -> Owner:
        """Whose value wins a tie."""
        return self.rule.owner

    @property
    def first_sync(self) -> FirstSync:
        """Whose value holds when a record is coupled that was there already."""
        return self.rule.first_sync

    @property
    def secret(self) -> bool:
        """Whether its values must be masked wherever they are shown."""
        return self.rule.secret

    @property
    def paths(self) -> tuple[str, ...]:
        """The columns its value is made from."""
        return self.expr.paths if self.expr else self.rule.paths


@dataclass(frozen=True)
class Halves:
    """What each side holds when a field agrees: `source` as GP has it (a result made from several columns: its
    text), `target` as Dataverse takes it.
    """

    source: Value
    target: Value


@dataclass(frozen=True)
class Problem:
    """Why a field can't pass: a code of `sync.errors.CODES`, the Dataverse attribute, the GP column(s), a sentence."""

    code: str
    field: str
    path: str
    message: str


@dataclass(frozen=True)
class Converted:
    """The fields that passed, by Dataverse attribute, and every problem of the others."""

    fields: dict[str, Halves]
    problems: list[Problem]


def convert(fields: Sequence[MappedField], values: Mapping[str, Value], lookups: Mapping[str, Table]) -> Converted:
    """All fields of one record. Never raises: what can't pass is a problem."""
    converted = Converted({}, [])
    for field in fields:
        try:
            halves = _halves(field, values, lookups)
            if halves:
                converted.fields[field.name] = halves
        except Fault as fault:
            converted.problems.append(_problem(field, values, fault))
    return converted


def _halves(field: MappedField, values: Mapping[str, Value], lookups: Mapping[str, Table]) -> Halves | None:
    """None when the field's condition leaves it out."""
    rule = field.rule
    if field.when and not _holds(field.when, values):
        return None
    sources = [field.expr.run(values)] if field.expr else [values[path] for path in field.paths]
    looked_up = [_look_up(field, sources[0], lookups)] if rule.lookup else sources
    target = _finish(field, field.converter.to_d365(looked_up, field.options))
    if field.expr:
        return Halves(_as_text(sources[0]), target)
    return Halves(_as_text(target) if len(sources) > 1 else _held(sources[0]), target)


def _holds(when: Expression, values: Mapping[str, Value]) -> bool:
    answer = when.run(values)
    if not isinstance(answer, bool | None):
        raise Fault("value_invalid", f"makes the condition {when.text} neither true nor false")
    return answer is True


def _look_up(field: MappedField, value: Value, lookups: Mapping[str, Table]) -> Value:
    """The code's counterpart: first in the tables kept as data, then in the mapping file's own."""
    if not isinstance(value, str | int | None):
        raise Fault("value_invalid", f"is no code of the look-up {field.rule.lookup}")
    code = canonical(_as_text(value) or "").strip(" ")
    if not code:
        return None
    for table in (lookups.get(field.rule.lookup or "", {}), field.table):
        if code in table:
            return table[code]
    if field.converter.keeps_unknown:
        return value
    raise Fault("lookup_missing", f"is not in the look-up {field.rule.lookup}")


def _finish(field: MappedField, value: Value) -> Value:
    if value is None:
        value = field.rule.default
    if field.rule.too_long == "truncate":
        value = limits.truncate(value, field.attribute)
    if value is None and field.rule.required:
        raise Fault("value_required", f"must not be empty: {field.attribute.name} needs a value")
    limits.check(value, field.attribute)
    return value


def _held(value: Value) -> Value:
    """GP knows no difference between blank and nothing, nor between 1.5 and 1.50000."""
    if isinstance(value, Decimal):
        return normal(value)
    return value or None if isinstance(value, str) else value


def _as_text(value: Value) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case Decimal():
            return str(normal(value))
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _problem(field: MappedField, values: Mapping[str, Value], fault: Fault) -> Problem:
    path = ", ".join(field.paths)
    text = "makes its expression fail" if field.secret and field.expr else fault.text
    shown = "(hidden)" if field.secret else ", ".join(_show(values.get(each)) for each in field.paths)
    return Problem(fault.code, field.name, path, " ".join(filter(None, [path, shown, text])))


def _show(value: Value) -> str:
    if value is None or value == "":
        return "(empty)"
    text = visible(str(value))
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"
