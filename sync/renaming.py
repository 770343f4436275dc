"""Follows a record whose id was changed in GP: its identity (NOTEINDX) stays, so it is not a new one.

An unknown key with the identity of a known couple takes that couple over, when the old key is gone and the name or an
address is the one that both sides agreed on. A key that is gone, whose identity lives on under an unknown one, is no delete.
So it makes no difference which of the two is heard of first.
"""

from collections import Counter
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from sync.errors import RetryLater
from sync.mapping import Mapping
from sync.outcomes import Run
from sync.planning import Case
from sync.stores.couple import UNCOUPLED, Couple
from sync.stores.crosswalk import Crosswalk
from sync.system import Record
from sync.value import Value


@runtime_checkable
class Identified(Protocol):
    """A source whose records keep an identity when their key is changed."""

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]: ...
    async def living(self, company: str, mapping: Mapping, identities: Sequence[str]) -> dict[str, list[str]]: ...


class Renaming:
    """Looks among the cases of a round for records whose id was changed."""

    def __init__(self, crosswalk: Crosswalk) -> None:
        self._crosswalk = crosswalk

    async def follow(self, run: Run, cases: Sequence[Case], source: object) -> list[Case]:
        """The cases, those under a new id with the couple that they had before, those under an old one with the new.

        A case whose couple is just being written under its old id is left out, and comes again later.
        """
        if not isinstance(source, Identified):
            return list(cases)
        pointed = await self._pointed(run, cases)
        former = {case.key: old for case in cases if (old := pointed.get(case.key)) and _is_former(case, old)}
        held = await source.read(run.company, run.mapping, [old.key for old in former.values()]) if former else {}
        times = Counter(old.key for old in former.values())
        found = []
        for case in await self._living(run, cases, source):
            old = former.get(case.key)
            if old and old.intent:
                run.postpone([case.key], RetryLater(f"It is being written as {old.key}.", code="in_progress"))
            elif old:
                found.append(_taken_over(run, case, old, held, times))
            else:
                unnoted = case.key in pointed and pointed[case.key] is None
                found.append(replace(case, couple=replace(case.couple, unnoted=unnoted)))
        return found

    async def _pointed(self, run: Run, cases: Sequence[Case]) -> dict[str, Couple | None]:
        """To which couples the identities of records point of which nobody knows what they are, None where to none."""
        new = {case.key: case.source.identity for case in cases if case.source and _may_be_known(run, case)}
        new = {key: identity for key, identity in new.items() if identity}
        if not new:
            return {}
        known = await self._crosswalk.read_identities(run.company, run.flow.pair, list(new.values()))
        return {key: known.get(identity) for key, identity in new.items()}

    async def _living(self, run: Run, cases: Sequence[Case], source: Identified) -> list[Case]:
        """The cases; those that are gone tell under which unknown key they live on."""
        gone = {case.couple.identity for case in cases if case.source is None and case.couple.id} - {""}
        if not gone:
            return list(cases)
        living = await source.living(run.company, run.mapping, sorted(gone))
        keys = [key for some in living.values() for key in some]
        couples = await self._crosswalk.read(run.company, run.flow.pair, keys)
        by_identity = {identity: key for identity, some in living.items() for key in some if not couples[key].id}
        return [
            replace(case, lives_as=by_identity.get(case.couple.identity, "")) if case.source is None else case
            for case in cases
        ]


def _may_be_known(run: Run, case: Case) -> bool:
    """Whether nobody knows yet what a record is: it has no counterpart, and no person has said so."""
    couple = case.couple
    return not (couple.id or couple.answer or couple.intent or couple.parked == UNCOUPLED or run.message.fields)


def _is_former(case: Case, old: Couple) -> bool:
    """Whether a couple that the identity points to has it still, and a counterpart, or had one until a person parted them."""
    assert case.source
    known = bool(old.id) or old.parked == UNCOUPLED
    return known and old.key != case.key and old.identity == case.source.identity


def _taken_over(run: Run, case: Case, old: Couple, held: Table[str, Record], times: Table[str, int]) -> Case:
    """The case with the couple that it had under its old key, or why that is not sure."""
    assert case.source
    if old.key in held:
        return replace(case, unclear=f"{case.key} and {old.key} have the same note index, and GP holds both.")
    if times[old.key] > 1:
        return replace(case, unclear=f"{case.key} is not the only one with the note index that {old.key} had.")
    if old.parked == UNCOUPLED:
        return replace(
            case, unclear=f"{case.key} has the note index of {old.key}, which a person took from its account."
        )
    if old.coupled and not agrees(run.mapping, old, case.source):
        text = f"{case.key} has the note index that {old.key} had, but neither its name nor its address."
        return replace(case, unclear=text)
    couple = replace(old, key=case.key, parked="", discarded="")
    return replace(case, couple=couple.joined(case.couple if case.couple.etag else None), renamed=old)


def agrees(mapping: Mapping, couple: Couple, source: Record) -> bool:
    """Whether a record of GP still has the name, or an address, that the couple agreed on."""
    evidence, held = mapping.rules.evidence, mapping.gp_halves(source.values)
    agreed = {name: _folded(each.gp) for name, each in couple.base.items()}

    def same(*names: str) -> bool:
        known = [name for name in names if agreed.get(name)]
        return bool(known) and all(agreed[name] == _folded(held.get(name)) for name in known)

    places = [(place.street, place.postal_code) for place in evidence.places]
    return same(evidence.name) or any(agreed.get(street) and same(street, code) for street, code in places)


def _folded(value: Value) -> str:
    return str(value or "").strip().casefold()
