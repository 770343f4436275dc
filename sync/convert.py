"""From what GP holds to what Dataverse gets: one record at a time, all its problems at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sync import limits
from sync.converters import Converter
from sync.expression import Expression
from sync.fault import Fault
from sync.keys import canonical
from sync.mapping_model import Edits, FieldRule, FirstSync, Owner, Side
from sync.schema import Attribute, Parameter
from sync.to_d365 import HUGE, Options
from sync.value import Value, normal, visible

type Table = Mapping[str, Value]


@dataclass(frozen=True)
class MappedField:
    """A field of a mapping, ready to run. `rule` holds what the file says, `attribute` the Dataverse column it fills,
    `table` its look-up by canonical code and `codes` the same codes as they are spelled, `side` where it comes from when it
    is one-way (its own word or the pair's). `writes` tells how each column of its way back is written, `back` the
    expressions of those columns when it comes from one.
    """

    rule: FieldRule
    attribute: Attribute
    converter: Converter
    options: Options
    table: Table
    side: Side | None
    expr: Expression | None = None
    when: Expression | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    writes: Mapping[str, Parameter] = field(default_factory=dict)
    back: Mapping[str, Expression] = field(default_factory=dict)
    meets: FirstSync = "owner"

    @property
    def name(self) -> str:
        """The Dataverse attribute's name."""
        return self.rule.dataverse

    @property
    def one_way(self) -> bool:
        """Whether the field goes one way only."""
        return self.side is not None

    @property
    def edits(self) -> Edits | None:
        """What becomes of an edit on the side that a one-way field does not come from; None for one that goes both ways."""
        return (self.rule.edits or "revert") if self.one_way else None

    @property
    def returns(self) -> bool:
        """Whether it is converted from Dataverse to GP: it goes that way, or an edit there is a request."""
        return self.side != "gp" or self.edits == "request"

    @property
    def owner(self) -> Owner:
        """Whose value wins a tie."""
        return self.rule.owner

    @property
    def first_sync(self) -> FirstSync:
        """Whose value holds when a record is coupled that was there already."""
        return self.first_by(self.rule.first_sync or self.meets)

    def first_by(self, policy: FirstSync) -> FirstSync:
        """The same by any policy."""
        if policy == "owner":
            owner = self.side or self.owner
            return "newest" if owner == "latest" else owner
        return self.side if policy == "newest" and self.side else policy

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
    """What each side holds when a field agrees: `source` as GP has it (see `gp_half`), `target` as Dataverse takes it."""

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
    for each in fields:
        try:
            if each.when is None or holds(each.when, values):
                converted.fields[each.name] = Halves(gp_half(each, values), target_of(each, values, lookups))
        except Fault as fault:
            converted.problems.append(_problem(each, values, fault))
    return converted


def gp_half(mapped: MappedField, values: Mapping[str, Value]) -> Value:
    """What GP holds for a field, as the base keeps it: a column's value; one address of a list; a result made from several
    columns, or by an expression, as text. Where there is no such result, what the columns hold. Never raises.
    """
    sources = [values[path] for path in mapped.paths]
    shared = mapped.converter.shared
    try:
        if mapped.expr:
            return _as_text(mapped.expr.run(values))
        if len(sources) > 1:
            return _as_text(mapped.converter.to_d365(sources, mapped.options))
        return _held(shared.take(sources[0], mapped.options.item) if shared else sources[0])
    except Fault:
        return f"({', '.join(_as_text(value) or '' for value in sources)})"


def target_of(mapped: MappedField, values: Mapping[str, Value], lookups: Mapping[str, Table]) -> Value:
    """What Dataverse gets for a field. Raises Fault."""
    sources = [mapped.expr.run(values)] if mapped.expr else [values[path] for path in mapped.paths]
    if mapped.rule.lookup:
        sources = [_look_up(mapped, sources[0], lookups)]
    return _finish(mapped, mapped.converter.to_d365(sources, mapped.options))


def holds(when: Expression, values: Mapping[str, Value]) -> bool:
    """Whether a condition is true of a record. Raises Fault when it is neither true nor false."""
    answer = when.run(values)
    if not isinstance(answer, bool | None):
        raise Fault("value_invalid", f"makes the condition {when.text} neither true nor false")
    return answer is True


def _look_up(mapped: MappedField, value: Value, lookups: Mapping[str, Table]) -> Value:
    """The code's counterpart: first in the tables kept as data, then in the mapping file's own."""
    if not isinstance(value, str | int | None):
        raise Fault("value_invalid", f"is no code of the look-up {mapped.rule.lookup}")
    code = canonical(_as_text(value) or "").strip(" ")
    if not code:
        return None
    for table in (lookups.get(mapped.rule.lookup or "", {}), mapped.table):
        if code in table:
            return table[code]
    if mapped.converter.keeps_unknown:
        return value
    raise Fault("lookup_missing", f"is not in the look-up {mapped.rule.lookup}")


def _finish(mapped: MappedField, value: Value) -> Value:
    if value is None:
        value = mapped.rule.default
    if mapped.rule.too_long == "truncate":
        value = limits.truncate(value, mapped.attribute)
    if value is None and mapped.rule.required:
        raise Fault("value_required", f"must not be empty: {mapped.attribute.name} needs a value")
    limits.check(value, mapped.attribute)
    return value


def _held(value: Value) -> Value:
    """GP knows no difference between blank and nothing, nor between 1.5 and 1.50000."""
    if isinstance(value, Decimal):
        return _shortest(value)
    return value or None if isinstance(value, str) else value


def _shortest(number: Decimal) -> Decimal:
    return normal(number) if number.is_finite() and abs(number) < HUGE else number


def _as_text(value: Value) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case Decimal():
            return str(_shortest(value))
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _problem(mapped: MappedField, values: Mapping[str, Value], fault: Fault) -> Problem:
    path = ", ".join(mapped.paths)
    text = "makes its expression fail" if mapped.secret and mapped.expr else fault.text
    shown = "(hidden)" if mapped.secret else ", ".join(show(values.get(each)) for each in mapped.paths)
    return Problem(fault.code, mapped.name, path, " ".join(filter(None, [path, shown, text])))


def show(value: Value) -> str:
    """A value in a sentence for people: quoted, its control characters made visible, cut when it is long."""
    if value is None or value == "":
        return "(empty)"
    text = visible(str(value))
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"
