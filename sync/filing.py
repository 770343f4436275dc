"""What is told and listed of a run: ledger lines, and the parked records."""

from collections.abc import Sequence, Set

from sync.errors import Rejected
from sync.flow import Flow
from sync.outcomes import Run, created_line, landed_line, line
from sync.parking import Parking
from sync.planning import Case, Plan
from sync.stores.couple import Couple, Intent
from sync.stores.ledger import Ledger, Line, Result


class Filing:
    """A write is told before its intent is cleared: whoever dies in between leaves the intent, and whoever settles that
    tells it again (docs/decisions/0009).
    """

    def __init__(self, ledger: Ledger, parking: Parking) -> None:
        self._ledger = ledger
        self._parking = parking

    async def tell(self, run: Run, lines: Sequence[Line]) -> None:
        """File what became of some keys."""
        again = run.redelivered or any(each.key in run.told for each in lines)
        run.stands |= await self._ledger.write(
            run.company, run.flow.pair, lines, redelivered=again, close=run.message.close
        )
        run.told |= {each.key: each for each in lines}

    async def tell_rest(self, run: Run) -> None:
        """File what a run ended with and has not told yet."""
        await self.tell(run, [each for key, each in run.lines.items() if run.told.get(key) != each])

    async def tell_landed(self, run: Run, key: str, intent: Intent) -> None:
        """File the write of an earlier try, under its own message."""
        told = landed_line(run.mapping, key, intent)
        await self._ledger.write(run.company, run.flow.pair, [told], redelivered=True)

    async def tell_met(self, run: Run, cases: Sequence[Case]) -> None:
        """File the creates that had been given up, and are met now under the id that was kept for them."""
        for case in cases:
            made, target = case.couple.lineage, case.target
            if made and target and not case.couple.coupled and target.mark == made.attempt:
                await self._ledger.write(run.company, run.flow.pair, [created_line(case.key, made)], redelivered=True)

    async def park(self, run: Run, key: str, error: Rejected, text: str) -> None:
        """The record ends parked. The caller has set `parked` on its crosswalk row."""
        run.parked.add(key)
        await self._parking.park(run.flow, run.company, key, error, run.message.message_id)
        run.end(key, line(run, key, Result.PARKED, text, code=error.code))

    async def park_alone(self, run: Run, error: Rejected) -> None:
        """Park and tell the one record of a message that could not even be planned."""
        await self._parking.park_alone(run.flow, run.mapping, run.message, error)
        await self.tell(run, [line(run, run.message.keys[0], Result.PARKED, error.message, code=error.code)])

    async def unlist(self, run: Run, plans: Sequence[Plan]) -> None:
        """Take records off the parked list under the id that they had before, while a row of that id is there to say so."""
        for plan in plans:
            if plan.case.renamed and plan.case.renamed.parked_by(run.flow.side):
                await self._parking.remove(run.company, run.flow, plan.case.renamed.key)

    async def unlist_couple(self, run: Run, couple: Couple, flows: Sequence[Flow]) -> None:
        """Take both records off the parked list."""
        for flow in flows:
            await self._parking.remove(run.company, flow, couple.on(flow.side))

    async def unpark(self, run: Run, plans: Sequence[Plan]) -> None:
        """Take records off the parked list: before their row says so, so that a crash in between is put right the next
        time, and once more afterwards, since another worker may have put them there in between.
        """
        listed = {plan.key for plan in plans if plan.case.couple.parked_by(run.flow.side) or plan.key in run.parked}
        for key in [*listed, *await self._left_listed(run, {plan.key for plan in plans} - listed)]:
            await self._parking.remove(run.company, run.flow, key)

    async def _left_listed(self, run: Run, keys: Set[str]) -> list[str]:
        """Those that an earlier delivery put on the list after another worker had made them well, and was then cut short."""
        if not keys or not run.redelivered:
            return []
        return await self._parking.held(run.company, run.flow, sorted(keys))
