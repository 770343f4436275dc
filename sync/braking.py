"""Asks the brake: before anything is deleted, made inactive or changed, and before many deletes are sent."""

import logging
from collections.abc import Mapping as Table
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sync.brake import Excess, Kind, allowed, text, weigh, weighed, window
from sync.errors import RetryLater
from sync.flow import Flow
from sync.mapping import Mapping
from sync.outcomes import Run
from sync.planning import Case, Plan
from sync.stores.brakes import Brakes, Tally
from sync.stores.crosswalk import Crosswalk
from sync.stores.modes import Mode, Modes

HOUR = timedelta(hours=1)

SURE = HOUR / 12
"""Before a flow is paused the known records are counted again, unless that was done so recently."""

ORDERED = frozenset({"retry", "backfill", "match", "restored", "refreshed"})
"""Reasons that are a person's order: their changes are wanted. Their deletes count all the same."""

MOST = 5_000
"""How many keys a process remembers to have counted; beyond that a record may count twice."""

log = logging.getLogger(__name__)


@dataclass
class Fresh:
    """The records that this process let change since `began`: those in the shared count, and those not yet."""

    began: datetime
    told: Set[str] = frozenset()
    untold: Set[str] = frozenset()


@dataclass(frozen=True)
class Question:
    """May so many more pass? `seen` is when their change was seen."""

    flow: Flow
    company: str
    kind: Kind
    count: int
    seen: datetime


class Braking:
    """`scale` shortens the hour in the sandbox."""

    def __init__(
        self, brakes: Brakes, modes: Modes, crosswalk: Crosswalk, mappings: Table[str, Mapping], scale: float
    ) -> None:
        self._brakes = brakes
        self._modes = modes
        self._crosswalk = crosswalk
        self._mappings = mappings
        self._hour = HOUR * scale
        self._sure = SURE * scale
        self._fresh: dict[tuple[str, str], Fresh] = {}
        self._last: dict[tuple[str, str], Tally] = {}

    async def ask(self, run: Run, cases: Sequence[Case], plans: Sequence[Plan]) -> None:
        """Whether the plans of a round may be carried out; called before anything of them is stored.

        Raises RetryLater when it is too much: then the flow is paused, and nothing of the round may be written.
        """
        run.counted |= weighed(cases)
        new = weigh(plans, run.flow.side) - run.counted
        deletes = sum(kind is Kind.DELETES for kind, _ in new)
        changes = {key for kind, key in new if kind is Kind.CHANGES}
        if deletes:
            await self._still_on(run)
            await self._let(Question(run.flow, run.company, Kind.DELETES, deletes, run.message.at))
        if changes and run.message.reason not in ORDERED:
            await self._let_changes(run, changes)
        run.counted |= new

    async def foresee(self, flow: Flow, company: str, *, gone: int = 0, held: int | None = None) -> None:
        """Pause the flow if so many deletes are about to be sent: `gone` records, or all known ones beyond the `held`
        that the source has. They are sent all the same, and wait.
        """
        mapping = self._mappings[flow.pair]
        rules = mapping.rules.brake
        if mapping.on_delete_of(flow.side) == "ignore" or (held is None and gone < rules.at_least):
            return
        if (await self._modes.of(company, flow.name)).mode is not Mode.ON:
            return
        tally = window(await self._brakes.read(company, flow.name), datetime.now(UTC), self._hour)
        if held is not None and self._said_yes(tally):
            return
        tally = await self._with_known(flow, tally, self._sure)
        total = tally.deletes + (min(gone, tally.known) if held is None else tally.known - held)
        if total > allowed(rules, Kind.DELETES, tally.known):
            await self._trip(flow, tally, Kind.DELETES, total)

    def _said_yes(self, tally: Tally) -> bool:
        """Within the hour. What may pass since then may still be known: only what is asked one by one tells new deletes."""
        return bool(tally.passes_until) and datetime.fromisoformat(tally.passes_until) + self._hour > datetime.now(UTC)

    async def let_pass(self, company: str, flow: str) -> None:
        """A person said yes: what was seen until now passes uncounted, and counting begins anew. Before the resume."""
        while True:  # lost: somebody else counted, so it is read again
            now = datetime.now(UTC).isoformat()
            tally = (await self._brakes.read(company, flow)).anew(now)
            if await self._brakes.save(replace(tally, passes_until=now)):
                return

    async def _still_on(self, run: Run) -> None:
        """Deletes are not done on the word of a mode that was read seconds ago."""
        setting = await self._modes.of(run.company, run.flow.name, fresh=True)
        if setting.mode is not Mode.ON:
            raise RetryLater(f"{setting.what} is not on any more: {setting.text}", code="paused")

    async def _let_changes(self, run: Run, keys: Set[str]) -> None:
        """Each record once an hour, and told to the other instances only now and then: single changes cost nothing."""
        place = (run.company, run.flow.name)
        now = datetime.now(UTC)
        fresh = self._fresh.get(place)
        if fresh is None or fresh.began + self._hour <= now or len(fresh.told) > MOST:
            fresh = self._fresh[place] = Fresh(now)
        untold = (fresh.untold | keys) - fresh.told
        if len(untold) >= self._mappings[run.flow.pair].rules.brake.at_least:
            await self._let(Question(run.flow, run.company, Kind.CHANGES, len(untold), run.message.at))
            fresh.told |= untold
            untold = set()
        fresh.untold = untold

    async def _let(self, question: Question) -> None:
        """Add to the shared count, or pause the flow and raise RetryLater."""
        remembered = self._last.pop((question.company, question.flow.name), None)
        done = remembered is not None and await self._add(question, remembered, sure=False)
        while not done:  # lost: another instance counted, so it is read again
            read = await self._brakes.read(question.company, question.flow.name)
            done = await self._add(question, read, sure=True)

    async def _add(self, question: Question, tally: Tally, *, sure: bool) -> bool:
        """Whether it was added to the tally, and may pass. One that is not `sure` may be old: it pauses nothing."""
        if tally.passes_until >= question.seen.isoformat():
            return True
        tally = window(tally, datetime.now(UTC), self._hour)
        total = getattr(tally, question.kind) + question.count
        rules = self._mappings[question.flow.pair].rules.brake
        if total >= rules.at_least:
            tally = await self._with_known(question.flow, tally, self._hour)
        if total > allowed(rules, question.kind, tally.known):
            if not sure:
                return False
            tally = await self._with_known(question.flow, tally, self._sure)
            if total > allowed(rules, question.kind, tally.known):
                raise await self._trip(question.flow, tally, question.kind, total)
        saved = await self._brakes.save(replace(tally, **{question.kind.value: total}))
        if saved:
            self._last[question.company, question.flow.name] = saved
        return saved is not None

    async def _with_known(self, flow: Flow, tally: Tally, age: timedelta) -> Tally:
        """The tally with the known records counted at most `age` ago: a call for every 1,000 of them."""
        now = datetime.now(UTC)
        if tally.counted_at and datetime.fromisoformat(tally.counted_at) + age > now:
            return tally
        known = await self._crosswalk.count(tally.company, flow.pair)
        return replace(tally, known=known, counted_at=now.isoformat())

    async def _trip(self, flow: Flow, tally: Tally, kind: Kind, total: int) -> RetryLater:
        rules = self._mappings[flow.pair].rules.brake
        excess = Excess(kind, total, getattr(tally, kind), tally.known, allowed(rules, kind, tally.known))
        why = text(excess, rules, flow, tally.company)
        log.error("%s of %s is paused by the brake: %s", flow.name, tally.company, why)
        await self._modes.set(tally.company, flow.name, Mode.PAUSED, "brake", why)
        return RetryLater(f"{flow.name} of {tally.company} is paused (brake): {why}", code="paused")
