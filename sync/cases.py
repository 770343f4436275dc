"""Step 2 of the line: reads crosswalk, then source, then target, for all records of a round at once."""

from collections.abc import Collection, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace
from itertools import islice
from typing import Protocol

from sync.mapping import Mapping
from sync.match import NEW, Hit, Match, alone, chosen, decide, hits, wanted
from sync.outcomes import Run
from sync.parents import Parents
from sync.planning import Case
from sync.renaming import Renaming
from sync.stores.couple import Couple, opposite
from sync.stores.crosswalk import Crosswalk
from sync.succession import Succession
from sync.system import Ask, Record, Seen
from sync.value import Value, same

ECHOES = frozenset({"webhook", "delta"})
"""Reasons that may be an event of our own write."""

TRIES = 4
"""So many ids are looked up for each new record, and twice as many each time that all of them are taken."""


class Source(Protocol):
    """Where records are read."""

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]: ...


class Looking(Protocol):
    """What is read of a target, all in one go."""

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen: ...


class Cases:
    """Reads all that is known of some records, in this order and never another."""

    def __init__(
        self,
        sources: Table[str, Source],
        targets: Table[str, Looking],
        crosswalk: Crosswalk,
        mappings: Table[str, Mapping],
    ) -> None:
        self._sources = sources
        self._targets = targets
        self._crosswalk = crosswalk
        self._renaming = Renaming(crosswalk)
        self._succession = Succession(crosswalk)
        self._parents = Parents(mappings, crosswalk)

    async def read(self, run: Run, keys: Sequence[str]) -> list[Case]:
        """One case per key, as both sides stand now; of those coupled with nothing yet, whom they match. Those that must
        wait are put off, and left out.
        """
        way, close = run.planner.way, run.message.close
        couples = await way.couples(self._crosswalk, run.company, run.flow.pair, keys, close=close)
        source = self._sources[run.flow.source]
        sources = await source.read(run.company, run.mapping, keys)
        found = [Case(key, couple, sources.get(key)) for key, couple in couples.items()]
        found = [_turned(run, case) for case in await self._renaming.follow(run, found, source)]
        found = await self._succession.inherited(run, found, source)
        found = [replace(case, rests=_rests(run, case)) for case in found]
        moved = await self._parents.find(run, [case for case in found if not case.rests], source)
        return [*(case for case in found if case.rests), *(await self._beside(run, moved) if moved else ())]

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
        cases = await self._succession.heirs(run, cases, self._targets[run.flow.target])
        return await self._with_free_ids(run, cases)

    async def _with_free_ids(self, run: Run, cases: Sequence[Case]) -> list[Case]:
        """A record that may have to be created in GP gets an id that nobody has there, nor is about to get."""
        if run.flow.side == "gp":
            return list(cases)
        waiting = {
            case.key: run.mapping.ids(case.source.values, case.parent.key if case.parent else "")
            for case in cases
            if case.source and _is_new(run, case)
        }
        free: dict[str, str] = {}
        best: dict[str, str] = {}
        tries = TRIES
        while waiting:
            proposed = {key: list(islice(ids, tries)) for key, ids in waiting.items()}
            taken = await self._taken(run, {id_ for ids in proposed.values() for id_ in ids} - set(free.values()))
            best = {key: ids[0] for key, ids in proposed.items()} | best
            for key, ids in proposed.items():
                if found := next((id_ for id_ in ids if id_ not in taken and id_ not in free.values()), ""):
                    free[key] = found
                    del waiting[key]
            tries *= 2
        return [_given(run, case, best.get(case.key, ""), free.get(case.key, "")) for case in cases]

    async def _taken(self, run: Run, ids: Collection[str]) -> set[str]:
        """Those of the ids that GP holds, or that are reserved."""
        some = sorted(ids)
        seen = await self._targets[run.flow.target].look(run.company, run.mapping, Ask(ids=some))
        couples = await self._crosswalk.read(run.company, run.flow.pair, some)
        return seen.by_id.keys() | {key for key, couple in couples.items() if couple.etag}


def _rests(run: Run, case: Case) -> bool:
    """Whether an event of Dataverse is an echo: the account holds just what it held when both agreed. What GP may have
    changed meanwhile, GP's own event tells: it need not be read for this one.
    """
    couple, source = case.couple, case.source
    if run.message.reason not in ECHOES or source is None or not couple.coupled or couple.unmet:
        return False
    if couple.intent or couple.parked_d365 or couple.take or couple.granted or source.successor:
        return False
    return all(
        agreed.unsure is None and same(source.values.get(name), agreed.d365) for name, agreed in couple.base.items()
    )


def _is_new(run: Run, case: Case) -> bool:
    """Whether a record may have to be created under an id of its own."""
    has_parent = run.mapping.parent is None or (case.parent is not None and case.parent.coupled)
    return case.target is None and not case.couple.key and not case.match.doubt and has_parent


def _given(run: Run, case: Case, best: str, free: str) -> Case:
    """With the id that it may get. Where nothing but that tells whether the parent has it already, a person says."""
    if free == best or not run.mapping.parent or not run.mapping.names_itself:
        return replace(case, free=free)
    text = (
        f"It would be {best} in GP, which is there already. If it is another one, give it another name in Dynamics 365. If it "
        f"is that one, delete it there, or couple {best} --with {case.key}."
    )
    return replace(case, match=Match(doubt=text))


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
    """What was found alike, in the words of the rules; what is another company's is like nothing here."""
    way, in_gp = run.planner.way, run.flow.side == "d365"
    near = [record for record in seen.alike if in_gp or run.mapping.may_be_of(record.values, run.company)]
    return [replace(record, values=way.comparable(record)) for record in near]


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
