"""Steps 3-7 of the line: finds out what became of earlier tries, before anything is decided anew."""

import uuid
from collections.abc import Mapping as Table
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from sync.errors import BadSettings, RetryLater
from sync.filing import Filing
from sync.flow import Flow
from sync.mapping import Mapping
from sync.outcomes import Run
from sync.planning import Case, Plan
from sync.sender import Sender
from sync.settle import Found, Settlement, answered, settle
from sync.stores.couple import APPROVED, Couple, opposite
from sync.stores.crosswalk import Crosswalk
from sync.system import Outcome, Verdict, Write


class Fenced(Protocol):
    """Where a late write is fenced off."""

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]: ...


class Settling:
    """Settles intents, and leaves those of the other direction to it."""

    def __init__(
        self,
        targets: Table[str, Fenced],
        crosswalk: Crosswalk,
        filing: Filing,
        flows: Table[str, Flow],
        sender: Sender,
        visibility: timedelta,
    ) -> None:
        self._targets = targets
        self._crosswalk = crosswalk
        self._filing = filing
        self._flows = flows
        self._sender = sender
        self._visibility = visibility

    async def settle(self, run: Run, cases: Sequence[Case]) -> tuple[list[str], list[Case]]:
        """Settle what earlier tries left: the keys that go round again, and the cases that have nothing to settle here. The
        others wait for who is at work.
        """
        again: list[str] = []
        rest: list[Case] = []
        for case in cases:
            if _is_answered(run, case):
                await self._answered(run, case.couple)
                again.append(case.key)
            elif case.couple.intent is None or run.planner.waits_for_a_person(case.couple):
                rest.append(case)
            elif case.couple.intent.target != run.flow.target:
                await self._leave(run, case)
            elif await self._settled(run, case, self._settlement(run, case)):
                again.append(case.key)
        return again, rest

    async def hand_over(self, run: Run, couples: Sequence[Couple]) -> None:
        """Step 9: what is the other direction's is on its lane before the message ends."""
        keys = [couple.on(opposite(run.flow.side)) for couple in couples]
        for flow in filter(run.flow.is_opposite, self._flows.values() if keys else ()):
            await self._sender.send(flow, run.company, keys, "handed_over")

    async def hand_on(self, run: Run, keys: Sequence[str]) -> None:
        """Records that are gone under one key are looked at under the one that they have by now, whatever their feed tells."""
        if keys:
            await self._sender.send(run.flow, run.company, keys, "id_changed")

    async def parents_first(self, run: Run, plans: Sequence[Plan]) -> None:
        """What some plans wait for is sent, and once more after every eighth delay; not what waits for a person itself."""
        waiting, parent = [plan for plan in plans if plan.awaits], run.mapping.parent
        keys = list(
            dict.fromkeys(plan.awaits for plan in waiting if not (plan.case.parent and plan.case.parent.parked))
        )
        if parent is None or not keys or run.message.delays % 8:
            return
        for flow in self._flows.values():
            if (flow.pair, flow.source, flow.target) == (parent.pair, run.flow.source, run.flow.target):
                await self._sender.send(flow, run.company, keys, "awaited")

    async def _leave(self, run: Run, case: Case) -> None:
        """The other direction is writing it, and settles what it left behind."""
        if case.couple.age >= self._visibility and not run.message.delays:
            await self.hand_over(run, [case.couple])
        run.postpone([case.key], RetryLater("The other direction is writing it.", code="in_progress"))

    async def _answered(self, run: Run, couple: Couple) -> None:
        """A person has said what became of an interrupted create; both records go on, each on its lane."""
        settlement, flows = answered(couple), [flow for flow in self._flows.values() if flow.pair == run.flow.pair]
        await self._filing.unlist_couple(run, couple, flows)
        [saved] = await self._crosswalk.save([(couple, settlement.couple)])
        await self._filing.unlist_couple(run, couple, flows)
        if saved and settlement.landed:
            await self._filing.tell_landed(run, couple.id, settlement.landed)
        await self.hand_over(run, [couple])

    def _settlement(self, run: Run, case: Case) -> Settlement:
        halves = run.planner.way.halves(case.target) if case.target else {}
        found, attempt = Found(case.target, halves, case.at), uuid.uuid4().hex
        return settle(case.couple, run.flow.side, found, run.message.message_id, self._visibility, attempt)

    async def _settled(self, run: Run, case: Case, settlement: Settlement) -> bool:
        """Whether it goes round again."""
        if settlement.wait:
            run.postpone([case.key], RetryLater("Another worker is writing it.", code="in_progress"))
            return False
        if settlement.fence and not await self._fence(run, settlement.fence):
            return True
        if settlement.landed and settlement.certain:
            await self._filing.tell_landed(run, case.key, settlement.landed)
        [saved] = await self._crosswalk.save([(case.couple, settlement.couple)])
        if saved and settlement.landed and not settlement.certain:
            await self._filing.tell_landed(run, case.key, settlement.landed)
        return True

    async def _fence(self, run: Run, fence: Write) -> bool:
        """Whether it stands: else somebody has moved the record, and it is looked at anew."""
        [verdict] = await self._targets[run.flow.target].write(run.company, run.mapping, [fence])
        if isinstance(verdict.error, RetryLater | BadSettings):
            raise verdict.error
        return verdict.outcome is Outcome.WRITTEN


def _is_answered(run: Run, case: Case) -> bool:
    """Whether a doubtful create is none any more: a person has answered, or what GP held is gone."""
    customer = case.source if run.flow.side == "gp" else case.target
    return case.couple.doubt is not None and (case.couple.answer not in ("", APPROVED) or customer is None)
