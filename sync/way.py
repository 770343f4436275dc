"""The two directions of a pair as the line sees them: how a flow's records are found, converted and compared."""

from collections.abc import Collection, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Protocol

from sync.blanks import only_filled
from sync.convert_back import Returned
from sync.mapping import Halves, MappedField, Mapping, MatchRule, Problem
from sync.mapping_model import Side
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk
from sync.system import Record
from sync.value import Value, same

type Lookups = Table[str, Table[str, Value]]


@dataclass(frozen=True)
class Turned:
    """One record as the target would hold it: both halves of every field that passed, and every problem of the others."""

    fields: dict[str, Halves]
    problems: list[Problem]
    returned: Returned | None = None


class Way(Protocol):
    """What differs between the two directions. Fields go by the names of their Dataverse attributes."""

    @property
    def side(self) -> Side:
        """The side it comes from."""
        ...

    async def couples(
        self, crosswalk: Crosswalk, company: str, pair: str, keys: Sequence[str], *, close: bool
    ) -> dict[str, Couple]:
        """One couple per key of the source."""
        ...

    async def known(self, crosswalk: Crosswalk, company: str, pair: str, ids: Sequence[str]) -> dict[str, Couple]:
        """One couple per record of the target."""
        ...

    def turn(self, source: Record, target: Record | None) -> Turned:
        """What the target gets. `target` is what it holds now, where that is known."""
        ...

    def columns(self, turned: Turned, names: Collection[str], target: Record | None) -> dict[str, Value]:
        """What is written for these fields together. Raises Rejected when they don't fit together."""
        ...

    def halves(self, target: Record) -> dict[str, Value]:
        """The target's half of every field."""
        ...

    def alike(self, field: MappedField, source: Record, target: Record) -> bool:
        """Whether a field says the same on both sides when it is read the other way round."""
        ...

    def filled(self, source: Record, target: Record) -> dict[str, Side]:
        """By field the only side that holds something."""
        ...

    def identity(self, source: Record | None, target: Record | None) -> str:
        """What tells GP's record from another one that got its key."""
        ...

    def sought(self, rule: MatchRule) -> tuple[str, ...]:
        """Where the target holds what a rule compares."""
        ...

    def seek(self, source: Record, turned: Turned) -> dict[str, Value]:
        """What the target would hold of a record there, by field."""
        ...

    def compared(self, source: Record, turned: Turned) -> dict[str, Value]:
        """What a record of the source holds, in the words of the rules."""
        ...

    def comparable(self, record: Record) -> dict[str, Value]:
        """What a record of the target holds, in the words of the rules."""
        ...


@dataclass(frozen=True)
class FromGp:
    """GP's records go to the other side."""

    mapping: Mapping
    lookups: Lookups
    side: Side = "gp"

    async def couples(
        self, crosswalk: Crosswalk, company: str, pair: str, keys: Sequence[str], *, close: bool
    ) -> dict[str, Couple]:
        return await crosswalk.read(company, pair, keys, close=close)

    async def known(self, crosswalk: Crosswalk, company: str, pair: str, ids: Sequence[str]) -> dict[str, Couple]:
        return await crosswalk.read_ids(company, pair, ids)

    def turn(self, source: Record, target: Record | None) -> Turned:
        converted = self.mapping.convert(source.values, self.lookups)
        return Turned(converted.fields, converted.problems)

    def columns(self, turned: Turned, names: Collection[str], target: Record | None) -> dict[str, Value]:
        return {name: turned.fields[name].target for name in names}

    def halves(self, target: Record) -> dict[str, Value]:
        return target.values

    def alike(self, field: MappedField, source: Record, target: Record) -> bool:
        if field.side is not None:
            return False
        back = self.mapping.convert_back(target.values, self.lookups, source.values).fields.get(field.name)
        return back is not None and same(back.target, self.mapping.gp_halves(source.values)[field.name])

    def filled(self, source: Record, target: Record) -> dict[str, Side]:
        return only_filled(self.mapping, self.lookups, source.values, target.values)

    def identity(self, source: Record | None, target: Record | None) -> str:
        return source.identity if source else ""

    def sought(self, rule: MatchRule) -> tuple[str, ...]:
        return rule.by

    def seek(self, source: Record, turned: Turned) -> dict[str, Value]:
        return {name: pair.target for name, pair in turned.fields.items()}

    def compared(self, source: Record, turned: Turned) -> dict[str, Value]:
        return self.seek(source, turned)

    def comparable(self, record: Record) -> dict[str, Value]:
        return record.values


@dataclass(frozen=True)
class ToGp:
    """Dataverse's records go to GP."""

    mapping: Mapping
    lookups: Lookups
    side: Side = "d365"

    async def couples(
        self, crosswalk: Crosswalk, company: str, pair: str, keys: Sequence[str], *, close: bool
    ) -> dict[str, Couple]:
        return await crosswalk.read_ids(company, pair, keys, close=close)

    async def known(self, crosswalk: Crosswalk, company: str, pair: str, ids: Sequence[str]) -> dict[str, Couple]:
        return await crosswalk.read(company, pair, ids)

    def turn(self, source: Record, target: Record | None) -> Turned:
        back = self.mapping.convert_back(source.values, self.lookups, target.values if target else None)
        fields = {name: Halves(half.source, half.target) for name, half in back.fields.items()}
        return Turned(fields, back.problems, back)

    def columns(self, turned: Turned, names: Collection[str], target: Record | None) -> dict[str, Value]:
        assert turned.returned is not None
        return self.mapping.columns(names, turned.returned, target.values if target else None)

    def halves(self, target: Record) -> dict[str, Value]:
        return self.mapping.gp_halves(target.values)

    def alike(self, field: MappedField, source: Record, target: Record) -> bool:
        return False  # what GP holds already was kept where it means the same

    def filled(self, source: Record, target: Record) -> dict[str, Side]:
        return only_filled(self.mapping, self.lookups, target.values, source.values)

    def identity(self, source: Record | None, target: Record | None) -> str:
        return target.identity if target else ""

    def sought(self, rule: MatchRule) -> tuple[str, ...]:
        return tuple(self.mapping.field(name).paths[0] for name in rule.by)

    def seek(self, source: Record, turned: Turned) -> dict[str, Value]:
        assert turned.returned is not None
        held = {name: half.columns for name, half in turned.returned.fields.items() if half.columns}
        return source.values | {name: next(iter(columns.values())) for name, columns in held.items()}

    def compared(self, source: Record, turned: Turned) -> dict[str, Value]:
        return source.values

    def comparable(self, record: Record) -> dict[str, Value]:
        return {name: pair.target for name, pair in self.mapping.convert(record.values, self.lookups).fields.items()}


def way_of(mapping: Mapping, side: Side, lookups: Lookups | None = None) -> Way:
    """The direction that comes from a side."""
    known = mapping.lookups if lookups is None else lookups
    return FromGp(mapping, known) if side == "gp" else ToGp(mapping, known)
