"""Looks for accounts that were merged into another: what took the place of a target, and whose couple a source inherits."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.outcomes import Run
from sync.planning import Case, Heir
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk
from sync.system import Ask, Record, Seen

HOPS = 8
"""So many merges, one after the other, are followed; a circle has no end."""


class Looking(Protocol):
    """Where the records are that were merged."""

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen: ...


@runtime_checkable
class Mergeable(Protocol):
    """A source whose records can be merged."""

    async def merged_into(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, list[str]]: ...


class Succession:
    """Looks among the cases of a round for records that were merged."""

    def __init__(self, crosswalk: Crosswalk) -> None:
        self._crosswalk = crosswalk

    async def heirs(self, run: Run, cases: Sequence[Case], target: Looking) -> list[Case]:
        """The cases, those whose target was merged with what took its place."""
        merged = {case.target.key: case.target.successor for case in cases if case.target and case.target.successor}
        if not merged:
            return list(cases)
        ends = await self._ends(run, merged, target)
        ids = [record.key for record in ends.values() if record]
        rows = await run.planner.way.known(self._crosswalk, run.company, run.flow.pair, list(dict.fromkeys(ids)))
        heirs = {id_: Heir(record, rows[record.key]) if record else Heir() for id_, record in ends.items()}
        return [replace(case, heir=heirs.get(case.target.key)) if case.target else case for case in cases]

    async def _ends(self, run: Run, merged: Table[str, str], target: Looking) -> dict[str, Record | None]:
        """The last record of each chain, by where it begins; None where it is not there."""
        ends: dict[str, Record | None] = dict.fromkeys(merged)
        todo = dict(merged)
        for _ in range(HOPS):
            if not todo:
                break
            seen = await target.look(run.company, run.mapping, Ask(ids=sorted(set(todo.values()))))
            found = {id_: record for id_, next_ in todo.items() if (record := seen.by_id.get(next_))}
            ends |= {id_: record for id_, record in found.items() if not record.successor}
            todo = {id_: record.successor for id_, record in found.items() if record.successor}
        return ends

    async def inherited(self, run: Run, cases: Sequence[Case], source: object) -> list[Case]:
        """The cases, those that nobody knows yet with the couple of a record that was merged into them: it may be heard of
        the master first, and that must not become a new customer.
        """
        masters = [case.key for case in cases if _is_unknown(run, case)]
        if not masters or not isinstance(source, Mergeable):
            return list(cases)
        first = await self._first(run, masters, source)
        return [replace(case, inherits=first.get(case.key)) for case in cases]

    async def _first(self, run: Run, masters: Sequence[str], source: Mergeable) -> dict[str, Couple]:
        """The nearest couple that was merged into each of these, by these."""
        first: dict[str, Couple] = {}
        todo = {master: master for master in masters}
        for _ in range(HOPS):
            merged = await source.merged_into(run.company, run.mapping, list(todo))
            todo = {id_: todo[master] for master, some in merged.items() for id_ in some}
            if not todo:
                break
            couples = await self._crosswalk.read_ids(run.company, run.flow.pair, list(todo))
            held = {id_: couple for id_, couple in couples.items() if couple.key and not couple.gone}
            first = {todo[id_]: couple for id_, couple in held.items()} | first
        return first


def _is_unknown(run: Run, case: Case) -> bool:
    """Whether a record takes part, and is coupled with nothing."""
    couple, source = case.couple, case.source
    if source is None or source.successor or couple.key or couple.coupled or couple.intent:
        return False
    try:
        return run.mapping.in_scope(source.values)
    except Rejected:
        return False
