"""A message's way: read crosswalk, source, target; settle or decide; store the intent; write; commit; ledger.

The file to read first. The steps are numbered in design §3.1; settling (3-7) is in `settling.py`, and the decisions
themselves are pure and live in `plan.py`, `merge.py` and `settle.py`. Nothing here knows GP or Dataverse.
"""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from sync.braking import Braking
from sync.cases import Cases, Looking, Source
from sync.children import Children
from sync.errors import BadSettings, Rejected, RetryLater
from sync.filing import Filing
from sync.flow import Flow
from sync.following import Following
from sync.guard import Guard
from sync.linking import Linking
from sync.mapping import Mapping
from sync.message import Message
from sync.observe import observe, would_park
from sync.outcomes import Run, after, line, met, written_line
from sync.parking import Parking
from sync.plan import Planner
from sync.planning import Plan
from sync.sender import Sender
from sync.settling import Settling
from sync.stores.crosswalk import Crosswalk
from sync.stores.ledger import Ledger, Result
from sync.stores.modes import Mode
from sync.system import Outcome, Verdict, Write

ROUNDS = 6


class Target(Looking, Protocol):
    """Where records are written."""

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]: ...


class Pipeline:
    """Works messages of every lane."""

    def __init__(
        self,
        *,
        mappings: Table[str, Mapping],
        sources: Table[str, Source],
        targets: Table[str, Target],
        crosswalk: Crosswalk,
        ledger: Ledger,
        parking: Parking,
        guard: Guard,
        braking: Braking,
        visibility: timedelta,
        flows: Table[str, Flow],
        sender: Sender,
    ) -> None:
        self._mappings = mappings
        self._sources = sources
        self._targets = targets
        self._crosswalk = crosswalk
        self._cases = Cases(sources, targets, crosswalk, mappings)
        self._filing = filing = Filing(ledger, parking)
        self._following = Following(targets, crosswalk, parking, flows)
        self._settling = Settling(targets, crosswalk, filing, flows, sender, visibility)
        self._children = Children(flows, mappings, sources, sender)
        self._linking = Linking(targets, mappings, crosswalk, filing)
        self._guard = guard
        self._braking = braking
        self._visibility = visibility

    async def work(self, message: Message, flow: Flow, *, redelivered: bool) -> Run:
        """Work one message and file what became of each key; what could not be done now is in the run's `later`.

        Raises SyncError when nothing could be done at all.
        """
        mode = await self._guard.admit(message.company, flow)
        run = self._begin(message, flow, redelivered=redelivered, observed=mode is Mode.OBSERVE)
        todo: Sequence[str] = message.keys
        try:
            for _ in range(ROUNDS):
                todo = await self._round(run, todo)
            run.postpone(todo, RetryLater("It kept changing while it was written.", code="changed_meanwhile"))
            await self._linking.link(run)
        except (RetryLater, BadSettings) as error:
            run.postpone(todo, error)
        except Rejected as error:
            if not run.observed or len(message.keys) > 1:
                raise
            run.end(message.keys[0], would_park(run, message.keys[0], error))
        await self._filing.tell_rest(run)
        return run

    async def preview(self, message: Message, flow: Flow) -> list[Plan]:
        """What `work` would do with each record, whatever the flow's mode: reads only, and settles nothing."""
        run = self._begin(message, flow, redelivered=False, observed=True)
        return [run.planner.plan(case) for case in await self._cases.read(run, message.keys)]

    async def park_alone(self, message: Message, flow: Flow, error: Rejected) -> None:
        """Park the one record of a message that could not even be planned."""
        await self._filing.park_alone(self._begin(message, flow, redelivered=True), error)

    def _begin(self, message: Message, flow: Flow, *, redelivered: bool, observed: bool = False) -> Run:
        mapping = self._mappings[flow.pair]
        planner = Planner(flow, mapping, mapping.lookups, message, self._visibility)
        return Run(message, flow, mapping, planner, redelivered, observed=observed)

    async def _round(self, run: Run, keys: Sequence[str]) -> list[str]:
        """One round for some keys; the keys that must go round again."""
        if not keys:
            return []
        run.ended -= set(keys)
        cases = await self._cases.read(run, keys)
        run.renamed |= {case.key: case.renamed.key for case in cases if case.renamed}
        if run.observed:
            observe(run, cases)
            return []
        await self._filing.tell_met(run, cases)
        again, rest = await self._settling.settle(run, cases)
        plans = [run.planner.plan(case) for case in rest]
        self._linking.note(run, plans)
        await self._settling.parents_first(run, plans)
        await self._braking.ask(run, cases, plans)
        if run.message.reason != "handed_over":  # what comes from there need not go back there
            await self._settling.hand_over(run, [plan.handed for plan in plans if plan.hand_over])
        await self._settling.hand_on(run, [plan.hand_on for plan in plans if plan.hand_on])
        await self._filing.unlist(run, plans)
        again += await self._following.follow(run, [plan for plan in plans if plan.again])
        again += await self._store(run, [plan for plan in plans if not (plan.write or plan.again)])
        again += await self._write(run, [plan for plan in plans if plan.write])
        return again

    async def _store(self, run: Run, plans: Sequence[Plan]) -> list[str]:
        """Step 10: records with nothing to write end as a skip or parked."""
        changed = [plan for plan in plans if plan.stores]
        await self._filing.unpark(run, [plan for plan in plans if not plan.couple.parked_by(run.flow.side)])
        saved = await self._crosswalk.save([(plan.case.stored, plan.couple) for plan in changed])
        stored = {plan.key: couple for plan, couple in zip(changed, saved, strict=True)}
        lost = [key for key, couple in stored.items() if couple is None]
        ended = [replace(plan, couple=stored.get(plan.key) or plan.couple) for plan in plans if plan.key not in lost]
        await self._filing.unpark(run, [plan for plan in ended if not plan.couple.parked_by(run.flow.side)])
        for plan in ended:
            await self._end(run, plan)
        parked = [plan for plan in ended if plan.error]
        moved = await self._second_look(run, parked)
        return [*lost, *moved, *await self._decided(run, [plan for plan in parked if plan.key not in moved])]

    async def _end(self, run: Run, plan: Plan) -> None:
        if plan.error:
            await self._filing.park(run, plan.key, plan.error, plan.text)
        elif plan.later:
            run.postpone([plan.key], plan.later)
        else:
            run.end(plan.key, run.written(plan.key) or line(run, plan.key, Result.SKIPPED, plan.text))

    async def _write(self, run: Run, plans: Sequence[Plan]) -> list[str]:
        """Steps 11-15: store the intents, write, commit."""
        children = await self._children.find(run, plans)
        stored = await self._crosswalk.save([(plan.case.stored, plan.couple) for plan in plans])
        ready = []
        for plan, couple in zip(plans, stored, strict=True):
            if couple is None:
                run.postpone([plan.key], RetryLater("Another worker took it.", code="in_progress"))
            else:
                ready.append(replace(plan, couple=couple))
        if not ready:
            return []
        await self._children.send(run, children)
        writes = [plan.write for plan in ready if plan.write]
        verdicts = await self._targets[run.flow.target].write(run.company, run.mapping, writes)
        return await self._commit(
            run, [(plan, met(plan, verdict)) for plan, verdict in zip(ready, verdicts, strict=True)]
        )

    async def _commit(self, run: Run, done: Sequence[tuple[Plan, Verdict]]) -> list[str]:
        known = [(plan, verdict) for plan, verdict in done if not _unknown(run, plan, verdict)]
        written = [plan for plan, verdict in known if verdict.outcome is Outcome.WRITTEN]
        await self._filing.tell(run, [written_line(run, plan, run.lines.get(plan.key)) for plan in written])
        news = [after(run, plan, verdict) for plan, verdict in known]
        await self._filing.unpark(run, written)
        saved = await self._crosswalk.save([(plan.couple, new) for (plan, _), new in zip(known, news, strict=True)])
        await self._filing.unpark(run, written)
        again: list[str] = []
        ended: list[Plan] = []
        for (plan, verdict), couple in zip(known, saved, strict=True):
            if couple is not None or verdict.outcome is Outcome.WRITTEN:
                await self._file(run, plan, verdict)
            if verdict.outcome is Outcome.REFUSED:
                continue
            rest = plan.deferred and couple and verdict.outcome is Outcome.WRITTEN
            if rest or plan.key not in run.ended:
                again.append(plan.key)
                run.ended.discard(plan.key)
            elif couple:  # else somebody has settled it, and goes on with it
                ended.append(plan)
        return [*again, *await self._second_look(run, ended)]

    async def _file(self, run: Run, plan: Plan, verdict: Verdict) -> None:
        """File one verdict, if it is an end."""
        if verdict.outcome is Outcome.WRITTEN:
            run.end(plan.key, run.told[plan.key])
        elif verdict.outcome is Outcome.FAILED and isinstance(verdict.error, Rejected):
            await self._filing.park(run, plan.key, verdict.error, verdict.error.message)

    async def _second_look(self, run: Run, plans: Sequence[Plan]) -> list[str]:
        """The keys whose source moved between reading and writing: they go round again.

        Another message may have seen the newer source, found both sides in agreement, and ended, just before this one
        wrote what it had read earlier. Nobody else would notice (docs/decisions/0004).
        """
        if not plans:
            return []
        seen = {plan.key: plan.case.source for plan in plans}
        run.ended -= seen.keys()  # not before the look has succeeded
        now = await self._sources[run.flow.source].read(run.company, run.mapping, list(seen))
        moved = [key for key, source in seen.items() if now.get(key) != source]
        run.ended |= seen.keys() - set(moved)
        return moved

    async def _decided(self, run: Run, plans: Sequence[Plan]) -> list[str]:
        """The keys whose row moved while they were put on the parked list: a person's answer may have been carried out and
        the record taken off the list before this one put it there.
        """
        if not plans:
            return []
        way, close = run.planner.way, run.message.close
        keys = [plan.key for plan in plans]
        run.ended -= set(keys)  # not before the look has succeeded
        now = await way.couples(self._crosswalk, run.company, run.flow.pair, keys, close=close)
        moved = [plan.key for plan in plans if now[plan.key].etag != plan.couple.etag]
        run.ended |= set(keys) - set(moved)
        return moved


def _unknown(run: Run, plan: Plan, verdict: Verdict) -> bool:
    """Whether a write may or may not have landed: the intent stays, and the next delivery settles it."""
    if not isinstance(verdict.error, RetryLater | BadSettings):
        return False
    run.postpone([plan.key], verdict.error)
    return verdict.outcome is not Outcome.REFUSED
