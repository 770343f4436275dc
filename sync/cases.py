"""Step 2 of the line: reads crosswalk, then source, then target, for all records of a round at once."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from sync.mapping import Mapping
from sync.outcomes import Run
from sync.plan import Case
from sync.stores.crosswalk import Crosswalk
from sync.system import Ask, Record, Seen


class Source(Protocol):
    """Where records are read."""

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]: ...


class Looking(Protocol):
    """What is read of a target, all in one go."""

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen: ...


class Cases:
    """Reads all that is known of some records, in this order and never another."""

    def __init__(self, sources: Table[str, Source], targets: Table[str, Looking], crosswalk: Crosswalk) -> None:
        self._sources = sources
        self._targets = targets
        self._crosswalk = crosswalk

    async def read(self, run: Run, keys: Sequence[str]) -> list[Case]:
        """One case per key, as both sides stand now."""
        couples = await self._crosswalk.read(run.company, run.flow.pair, keys, close=run.message.close)
        sources = await self._sources[run.flow.source].read(run.company, run.mapping, keys)
        ids = [couple.id for couple in couples.values() if couple.id]
        loose = [key for key, couple in couples.items() if not couple.coupled and key in sources]
        seen = await self._targets[run.flow.target].look(run.company, run.mapping, Ask(ids, loose))
        cases = [
            Case(couple, sources.get(key), seen.by_id.get(couple.id) or seen.by_key.get(key))
            for key, couple in couples.items()
        ]
        return await self._claimed(run, cases)

    async def _claimed(self, run: Run, cases: Sequence[Case]) -> list[Case]:
        """Before a record found by its key is coupled: whose is it already?"""
        found = [case.target.key for case in cases if case.target and _new(case)]
        owners = await self._crosswalk.owners(run.company, run.flow.pair, found)
        return [
            replace(case, claimed_by=owners.get(case.target.key, "")) if case.target and _new(case) else case
            for case in cases
        ]


def _new(case: Case) -> bool:
    """Whether the target's record was not this couple's before."""
    return case.target is not None and not case.couple.coupled and case.target.key != case.couple.id
