"""The record that another one belongs to: known by the crosswalk of its own pair."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Protocol, runtime_checkable

from sync.mapping import Mapping
from sync.outcomes import Run
from sync.planning import Case
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
        parent = run.mapping.rules.parent
        if parent is None or run.flow.side != "gp":
            return list(cases)
        keys = {case.key: run.mapping.parent_key(case.key) for case in cases}
        new = list(dict.fromkeys(keys[case.key] for case in cases if _may_be_made(run, case)))
        couples = await self._crosswalk.read(run.company, parent.pair, new) if new else {}
        gone = {keys[case.key] for case in cases if case.source is None and case.couple.coupled}
        if gone and isinstance(source, Holding):
            gone -= await source.held(run.company, self._mappings[parent.pair], sorted(gone))
        return [
            replace(case, parent=couples.get(keys[case.key]), orphaned=keys[case.key] in gone and case.source is None)
            for case in cases
        ]


def _may_be_made(run: Run, case: Case) -> bool:
    return case.source is not None and (not case.couple.coupled or run.message.reason == "refreshed")
