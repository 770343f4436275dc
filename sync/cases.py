"""Step 2 of the line: reads crosswalk, then source, then target, for all records of a round at once."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from sync.mapping import Mapping
from sync.match import NEW, Hit, Match, alone, chosen, decide, hits, wanted
from sync.outcomes import Run
from sync.plan import Case
from sync.stores.crosswalk import Crosswalk
from sync.system import Ask, Record, Seen
from sync.value import Value


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
        """One case per key, as both sides stand now; of those coupled with nothing yet, whom they match."""
        couples = await self._crosswalk.read(run.company, run.flow.pair, keys, close=run.message.close)
        sources = await self._sources[run.flow.source].read(run.company, run.mapping, keys)
        cases = [_converted(run, Case(couple, sources.get(key))) for key, couple in couples.items()]
        seen = await self._targets[run.flow.target].look(run.company, run.mapping, _ask(run.mapping, cases))
        by_rule = hits(run.mapping, {case.couple.key: _values(case) for case in cases if case.converted}, seen.alike)
        cases = [replace(case, target=_target(case, seen)) for case in cases]
        owners = await self._crosswalk.owners(run.company, run.flow.pair, _strangers(cases, by_rule))
        matches = {case.couple.key: _match(run.mapping, case, seen, by_rule, owners) for case in cases}
        matches = alone(run.mapping, matches)
        return [_with(case, matches[case.couple.key], owners) for case in cases]


def _converted(run: Run, case: Case) -> Case:
    """With what it would write, if that is needed to find its match."""
    couple = case.couple
    if case.source is None or couple.coupled or couple.id or couple.answer or couple.intent or run.message.fields:
        return case
    return replace(case, converted=run.planner.convert(case.source))


def _values(case: Case) -> dict[str, Value]:
    return {name: pair.target for name, pair in case.converted.fields.items()} if case.converted else {}


def _ask(mapping: Mapping, cases: Sequence[Case]) -> Ask:
    ids = [id_ for case in cases for id_ in (case.couple.id, case.couple.chosen) if id_]
    keys = [case.couple.key for case in cases if case.source and not case.couple.coupled]
    return Ask(ids, keys, wanted(mapping.match, (_values(case) for case in cases if case.converted)))


def _target(case: Case, seen: Seen) -> Record | None:
    return seen.by_id.get(case.couple.id) or seen.by_key.get(case.couple.key)


def _strangers(cases: Sequence[Case], by_rule: Table[str, Sequence[Hit]]) -> list[str]:
    """The ids of all records of which it must be known whose they are already."""
    found = [case.target.key for case in cases if case.target and _new(case)]
    found += [case.couple.chosen for case in cases if case.target is None and case.couple.chosen]
    found += [hit.record.key for case in cases if case.target is None for hit in by_rule.get(case.couple.key, ())]
    return list(dict.fromkeys(found))


def _match(
    mapping: Mapping, case: Case, seen: Seen, by_rule: Table[str, Sequence[Hit]], owners: Table[str, str]
) -> Match:
    couple = case.couple
    if case.target:
        return Match(how="by its key") if _new(case) else NEW
    if couple.chosen and not couple.coupled and case.source:
        return chosen(mapping, couple.key, couple.chosen, seen.by_id.get(couple.chosen), owners)
    return decide(mapping, couple.key, by_rule.get(couple.key, ()), owners)


def _with(case: Case, match: Match, owners: Table[str, str]) -> Case:
    claimed = owners.get(case.target.key, "") if case.target and _new(case) else ""
    return replace(case, target=case.target or match.record, match=match, claimed_by=claimed)


def _new(case: Case) -> bool:
    """Whether the target's record was not this couple's before."""
    return case.target is not None and not case.couple.coupled and case.target.key != case.couple.id
