"""Has a parent refer to one of its records, where it refers to none yet: an account to its primary contact.

A second write, to the parent, once the record itself is there. The record's row says that it is about to be, then it is
written and told, then the row says that it is done: whoever dies in between leaves a row that owes it still. It is no write
of the parent's own pair, and leaves that one's mark alone. But it makes us the last who modified the parent, by which a write
of that pair that was cut short would be settled: so the parent is read first, then its row, and a write under way is waited
for. One that begins later finds the parent changed, or changes it.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from sync.differs import may_owe, owes
from sync.errors import BadSettings, Rejected, RetryLater
from sync.filing import Filing
from sync.mapping import Mapping
from sync.outcomes import Run, linked_line
from sync.planning import Plan
from sync.stores.couple import Agreed, Couple
from sync.stores.crosswalk import Crosswalk
from sync.stores.ledger import FieldChange
from sync.system import Outcome, Reference, Verdict

ROUNDS = 3
HAD_NONE = "it referred to none"


@runtime_checkable
class Referring(Protocol):
    """Where records refer to one another."""

    async def referred(self, parent: Mapping, column: str, ids: Sequence[str]) -> dict[str, Reference]: ...

    async def refer(
        self, parent: Mapping, column: str, mapping: Mapping, references: Sequence[Reference]
    ) -> list[Verdict]: ...


@dataclass(frozen=True)
class Owed:
    """A record to which its parent is to refer: the parent's key, and what it refers to now."""

    couple: Couple
    parent: str
    held: Reference

    @property
    def key(self) -> str:
        return self.couple.key


class Linking:
    """Links the records of a run, after everything else that is done about them."""

    def __init__(
        self, targets: Table[str, object], mappings: Table[str, Mapping], crosswalk: Crosswalk, filing: Filing
    ) -> None:
        self._targets = targets
        self._mappings = mappings
        self._crosswalk = crosswalk
        self._filing = filing

    def note(self, run: Run, plans: Sequence[Plan]) -> None:
        """Keep what those records hold that are perhaps to be linked in the end."""
        for plan in plans:
            source = plan.case.source
            run.owing.pop(plan.key, None)
            if source and may_owe(run.mapping, plan.couple, source):
                run.owing[plan.key] = source

    async def link(self, run: Run) -> None:
        """Link the records of a run that ended well; those that can't be linked now are postponed."""
        keys = [key for key in run.owing if key in run.ended]
        parent, target = run.mapping.parent, self._targets[run.flow.target]
        if not keys or parent is None or parent.link is None or not isinstance(target, Referring):
            return
        links = _Links(run, self._mappings[parent.pair], parent.link.dataverse, target, self._crosswalk, self._filing)
        run.ended -= set(keys)  # not before they are linked
        try:
            for _ in range(ROUNDS):
                keys = await links.round(keys) if keys else []
            run.postpone(keys, RetryLater("Its parent kept changing while it was linked.", code="changed_meanwhile"))
        except (RetryLater, BadSettings) as error:
            run.postpone(keys, error)


@dataclass(frozen=True)
class _Links:
    """The links of one run, from a `column` of the records of the pair `parent`."""

    run: Run
    parent: Mapping
    column: str
    target: Referring
    crosswalk: Crosswalk
    filing: Filing

    async def round(self, keys: Sequence[str]) -> list[str]:
        """One look at some records; the keys that must be looked at again."""
        run = self.run
        couples = await self.crosswalk.read(run.company, run.flow.pair, keys, close=run.message.close)
        found = await self._look([each for each in couples.values() if await self._owes(each)])
        run.ended |= set(keys) - {owed.key for owed in found}
        await self._done([owed for owed in found if owed.held.to])
        return await self._refer([owed for owed in found if not owed.held.to])

    async def _owes(self, couple: Couple) -> bool:
        if not couple.coupled or couple.intent or couple.parked_by(self.run.flow.side):
            return False
        try:
            return owes(self.run.mapping, couple, self.run.owing[couple.key])
        except Rejected as error:
            await self._park(couple, error)
            return False

    async def _look(self, couples: Sequence[Couple]) -> list[Owed]:
        """What the parents refer to; where a parent is not there, or coupled with nothing, nothing can be linked now."""
        keys = {couple.key: self.run.mapping.parent_key(couple.key) for couple in couples}
        rows = await self._parents(keys.values())
        ids = [row.id for row in rows.values() if row.coupled]
        held = await self.target.referred(self.parent, self.column, ids) if ids else {}
        found = [(couple, keys[couple.key]) for couple in couples]
        return [Owed(couple, key, held[rows[key].id]) for couple, key in found if rows[key].id in held]

    async def _refer(self, owed: Sequence[Owed]) -> list[str]:
        """Have the parents refer to these records; the keys that must be looked at again."""
        begun = await self._begin(owed)
        free = await self._free(begun)
        again = [each.key for each in owed if each.key not in {one.key for one in begun}]
        wanted = [replace(each.held, to=each.couple.id) for each in free]
        verdicts = await self.target.refer(self.parent, self.column, self.run.mapping, wanted) if wanted else []
        done: list[Owed] = []
        for each, reference, verdict in zip(free, wanted, verdicts, strict=True):
            if verdict.outcome is Outcome.WRITTEN:
                done.append(replace(each, held=reference))
            elif verdict.outcome is Outcome.CHANGED:
                again.append(each.key)
            else:
                await self._failed(each, verdict)
        await self._done(done)
        return again

    async def _begin(self, owed: Sequence[Owed]) -> list[Owed]:
        """Those whose rows say that they are about to be linked; the rows of the others were changed meanwhile."""
        new = [each for each in owed if self.run.mapping.link not in each.couple.base]
        saved = await self.crosswalk.save([(each.couple, self._with(each.couple, None)) for each in new])
        begun = [replace(each, couple=couple) for each, couple in zip(new, saved, strict=True) if couple]
        return [*(each for each in owed if each not in new), *begun]

    async def _free(self, owed: Sequence[Owed]) -> list[Owed]:
        """Those whose parents nobody is writing; the others wait."""
        rows = await self._parents(each.parent for each in owed)
        busy = [each.key for each in owed if rows[each.parent].intent]
        self.run.postpone(busy, RetryLater("Its parent is being written.", code="in_progress"))
        return [each for each in owed if each.key not in busy]

    async def _done(self, owed: Sequence[Owed]) -> None:
        """Tell what was linked by us, and keep that it is done; so it is where the parent refers to something else."""
        run, link = self.run, self.run.mapping.link
        ours = [each.couple for each in owed if link in each.couple.base and each.held.to == each.couple.id]
        lines = [linked_line(run, couple.key, FieldChange(link, None, couple.id, HAD_NONE)) for couple in ours]
        if lines:
            await self.filing.tell(run, lines)
        for line in lines:
            run.end(line.key, line)
        await self.crosswalk.save([(each.couple, self._with(each.couple, each.held.to)) for each in owed])
        run.ended |= {each.key for each in owed}

    async def _failed(self, owed: Owed, verdict: Verdict) -> None:
        """One that could not be linked: for a reason that passes, for one that is a person's, or since one of both is gone."""
        if isinstance(verdict.error, RetryLater | BadSettings):
            self.run.postpone([owed.key], verdict.error)
        elif isinstance(verdict.error, Rejected):
            await self._park(owed.couple, verdict.error)
        else:
            self.run.ended.add(owed.key)

    async def _park(self, couple: Couple, error: Rejected) -> None:
        await self.crosswalk.save([(couple, couple.with_parked(self.run.flow.side, error.code))])
        await self.filing.park(self.run, couple.key, error, error.message)

    async def _parents(self, keys: Iterable[str]) -> dict[str, Couple]:
        wanted = list(dict.fromkeys(keys))
        return await self.crosswalk.read(self.run.company, self.parent.pair, wanted) if wanted else {}

    def _with(self, couple: Couple, to: str | None) -> Couple:
        """The couple with what its parent refers to, as its base keeps it; None: it is about to refer to this one."""
        return replace(couple, base=couple.base | {self.run.mapping.link: Agreed(True, to)})
