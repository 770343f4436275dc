"""The record that another one belongs to: known by the crosswalk of its own pair."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Protocol, runtime_checkable

from sync.mapping import Mapping
from sync.mapping_model import Parent
from sync.outcomes import Run
from sync.planning import Case
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk


@runtime_checkable
class Holding(Protocol):
    """A source that can be asked which records it holds."""

    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> AbstractSet[str]: ...


class Parents:
    """Finds the parents of records that are about to be made, and of those that are gone."""

    def __init__(self, mappings: Table[str, Mapping], crosswalk: Crosswalk) -> None:
        self._mappings = mappings
        self._crosswalk = crosswalk

    async def find(self, run: Run, cases: Sequence[Case], source: object) -> list[Case]:
        """The cases with their parents' couples, where they need them. Pairs without a parent cost nothing."""
        parent = run.mapping.parent
        if parent is None:
            return list(cases)
        parents, orphans = await self._of_new(run, cases, parent), await self._orphans(run, cases, parent, source)
        return [replace(case, parent=parents.get(case.key), orphaned=case.key in orphans) for case in cases]

    async def _of_new(self, run: Run, cases: Sequence[Case], parent: Parent) -> dict[str, Couple]:
        """The couples of the parents of records that may have to be made, by the record's key."""
        above = {case.key: _above(run, case, parent) for case in cases if _may_be_made(run, case)}
        keys = list(dict.fromkeys(filter(None, above.values())))
        if not keys:
            return {}
        couples = await run.planner.way.couples(self._crosswalk, run.company, parent.pair, keys, close=False)
        return {key: couples[one] for key, one in above.items() if one}

    async def _orphans(self, run: Run, cases: Sequence[Case], parent: Parent, source: object) -> set[str]:
        """The keys of the records that are gone from their source with what they belonged to; not of those whose parent has
        another key by now.
        """
        lost = [case for case in cases if case.source is None and case.couple.coupled]
        if not lost or not isinstance(source, Holding):
            return set()
        keys = {case.key: run.mapping.parent_key(case.couple.key) for case in lost}
        couples = await self._crosswalk.read(run.company, parent.pair, list(dict.fromkeys(keys.values())))
        known = {key: couple.on(run.flow.side) if couple.etag else "" for key, couple in couples.items()}
        held = await source.held(run.company, self._mappings[parent.pair], sorted(filter(None, known.values())))
        return {key for key, one in keys.items() if known[one] and known[one] not in held}


def _above(run: Run, case: Case, parent: Parent) -> str:
    """The parent of a record, on the record's own side."""
    if run.flow.side == "gp":
        return run.mapping.parent_key(case.key)
    return str(case.source.values.get(parent.attribute) or "") if case.source else ""


def _may_be_made(run: Run, case: Case) -> bool:
    return case.source is not None and (not case.couple.coupled or run.message.reason == "refreshed")
