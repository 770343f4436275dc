"""Step 2 of the line: reads crosswalk, then source, then target, for all records of a round at once."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

from sync.mapping import Mapping
from sync.match import NEW, Hit, Match, alone, chosen, decide, hits, wanted
from sync.outcomes import Run
from sync.planning import Case
from sync.stores.couple import Couple, opposite
from sync.stores.crosswalk import Crosswalk
from sync.system import Ask, Record, Seen
from sync.value import Value, same

ECHOES = frozenset({"webhook", "delta"})
"""Reasons that may be an event of our own write."""

TRIES = 20
"""So many ids for a new record are looked up at once."""


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
        way, close = run.planner.way, run.message.close
        couples = await way.couples(self._crosswalk, run.company, run.flow.pair, keys, close=close)
        sources = await self._sources[run.flow.source].read(run.company, run.mapping, keys)
        found = [_turned(run, Case(key, couple, sources.get(key))) for key, couple in couples.items()]
        resting = [replace(case, rests=True) for case in found if _rests(run, case)]
        cases = [case for case in found if not _rests(run, case)]
        return [*resting, *(await self._beside(run, cases) if cases else ())]

    async def _beside(self, run: Run, cases: Sequence[Case]) -> list[Case]:
        """The cases with what the target holds of them."""
        way = run.planner.way
        seen = await self._targets[run.flow.target].look(run.company, run.mapping, _ask(run, cases))
        by_rule = hits(run.mapping, _records(run, cases), _comparable(run, seen))
        cases = [replace(case, target=_target(run, case, seen), at=seen.at) for case in cases]
        known = await way.known(self._crosswalk, run.company, run.flow.pair, _strangers(run, cases, by_rule))
        owners = {id_: owner for id_, couple in known.items() if (owner := couple.on(run.flow.side))}
        matches = {case.key: _match(run, case, seen, by_rule, owners) for case in cases}
        matches = alone(run.mapping, matches)
        cases = [_with(run, case, matches[case.key], known) for case in cases]
        return await self._with_free_ids(run, cases)

    async def _with_free_ids(self, run: Run, cases: Sequence[Case]) -> list[Case]:
        """A record that may have to be created in GP gets an id that nobody has there, nor is about to get."""
        if run.flow.side == "gp":
            return list(cases)
        taken: set[str] = set()
        done = []
        for case in cases:
            free = await self._free(run, case, taken) if _may_be_created(case) else ""
            taken.add(free)
            done.append(replace(case, free=free))
        return done

    async def _free(self, run: Run, case: Case, taken: set[str]) -> str:
        assert case.source is not None
        proposed = run.mapping.ids(case.source.values)
        while some := [key for key in islice(proposed, TRIES) if key not in taken]:
            seen = await self._targets[run.flow.target].look(run.company, run.mapping, Ask(ids=some))
            couples = await self._crosswalk.read(run.company, run.flow.pair, some)
            for key in some:
                if key not in seen.by_id and not couples[key].etag:
                    return key
        return ""


def _rests(run: Run, case: Case) -> bool:
    """Whether an event of Dataverse is an echo: the account holds just what it held when both agreed. What GP may have
    changed meanwhile, GP's own event tells: it need not be read for this one.
    """
    couple, source = case.couple, case.source
    if run.message.reason not in ECHOES or source is None or not couple.coupled or couple.unmet:
        return False
    if couple.intent or couple.parked_d365 or couple.take:
        return False
    return all(
        agreed.unsure is None and same(source.values.get(name), agreed.d365) for name, agreed in couple.base.items()
    )


def _may_be_created(case: Case) -> bool:
    return case.source is not None and case.target is None and not case.couple.key and not case.match.doubt


def _turned(run: Run, case: Case) -> Case:
    """With what it would write, if that is needed to find its match."""
    couple = case.couple
    other = couple.on(opposite(run.flow.side))
    if case.source is None or couple.coupled or other or couple.answer or couple.intent or run.message.fields:
        return case
    return replace(case, turned=run.planner.turn(case.source))


def _records(run: Run, cases: Sequence[Case]) -> dict[str, dict[str, Value]]:
    """What the rules compare of each record that is coupled with none yet."""
    way = run.planner.way
    return {case.key: way.compared(case.source, case.turned) for case in cases if case.source and case.turned}


def _comparable(run: Run, seen: Seen) -> list[Record]:
    """What was found alike, in the words of the rules."""
    way = run.planner.way
    return [replace(record, values=way.comparable(record)) for record in seen.alike]


def _ask(run: Run, cases: Sequence[Case]) -> Ask:
    side = opposite(run.flow.side)
    ids = [id_ for case in cases for id_ in (case.couple.on(side), case.couple.chosen) if id_]
    keys = [case.key for case in cases if case.source and not case.couple.coupled]
    way = run.planner.way
    sought = {way.sought(rule): rule for rule in run.mapping.match}
    return Ask(
        ids, keys, wanted(sought, (way.seek(case.source, case.turned) for case in cases if case.source and case.turned))
    )


def _target(run: Run, case: Case, seen: Seen) -> Record | None:
    return seen.by_id.get(case.couple.on(opposite(run.flow.side))) or seen.by_key.get(case.key)


def _strangers(run: Run, cases: Sequence[Case], by_rule: Table[str, Sequence[Hit]]) -> list[str]:
    """The ids of all records of which it must be known whose they are already."""
    found = [case.target.key for case in cases if case.target and _new(run, case)]
    found += [case.couple.chosen for case in cases if case.target is None and case.couple.chosen]
    found += [hit.record.key for case in cases if case.target is None for hit in by_rule.get(case.key, ())]
    return list(dict.fromkeys(found))


def _match(run: Run, case: Case, seen: Seen, by_rule: Table[str, Sequence[Hit]], owners: Table[str, str]) -> Match:
    couple, raw = case.couple, {record.key: record for record in seen.alike}
    if case.target:
        return Match(how="by its key") if _new(run, case) else NEW
    if couple.chosen and not couple.coupled and case.source:
        record = seen.by_id.get(couple.chosen)
        return chosen(run.mapping, case.key, couple.chosen, record, owners, run.planner.entity)
    match = decide(run.mapping, case.key, by_rule.get(case.key, ()), owners, run.planner.entity)
    return replace(match, record=raw[match.record.key]) if match.record else match


def _with(run: Run, case: Case, match: Match, known: Table[str, Couple]) -> Case:
    claimed = known[case.target.key].on(run.flow.side) if case.target and _new(run, case) else ""
    found = replace(case, target=case.target or match.record, match=match, claimed_by=claimed)
    own = known.get(found.target.key) if found.target else None
    return replace(found, beside=own if own and own.etag and not own.on(run.flow.side) else None)


def _new(run: Run, case: Case) -> bool:
    """Whether the target's record was not this couple's before."""
    known = case.couple.on(opposite(run.flow.side))
    return case.target is not None and not case.couple.coupled and case.target.key != known
