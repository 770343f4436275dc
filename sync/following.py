"""Lets a customer follow its account into the one that it was merged into.

First the merged account loses our key, since Dataverse holds each key once; then the row is stored under the new id, if
nobody has changed it meanwhile. Whoever dies in between leaves a couple that is found merged again.
"""

import uuid
from collections.abc import Mapping as Table
from collections.abc import Sequence
from typing import Protocol

from sync.flow import Flow
from sync.mapping import Mapping
from sync.outcomes import Run
from sync.parking import Parking
from sync.planning import Plan
from sync.stores.crosswalk import Crosswalk
from sync.system import Outcome, Record, Verdict, Write


class Written(Protocol):
    """Where the key is taken away."""

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]: ...


class Following:
    """Moves couples to the records that their counterparts were merged into."""

    def __init__(
        self, targets: Table[str, Written], crosswalk: Crosswalk, parking: Parking, flows: Table[str, Flow]
    ) -> None:
        self._targets = targets
        self._crosswalk = crosswalk
        self._parking = parking
        self._flows = flows

    async def follow(self, run: Run, plans: Sequence[Plan]) -> list[str]:
        """Store these plans' couples; the keys, which all go round again: moved, or looked at anew."""
        for plan in plans:
            if plan.former is None:
                await self._crosswalk.save([(plan.case.stored, plan.couple)])
            elif await self._freed(run, plan.former, plan.key):
                await self._move(run, plan)
        return [plan.key for plan in plans]

    async def _move(self, run: Run, plan: Plan) -> None:
        await self._unlist(run, plan)
        [saved] = await self._crosswalk.save([(plan.case.stored, plan.couple)])
        if saved:
            run.merged[plan.key] = plan.text

    async def _unlist(self, run: Run, plan: Plan) -> None:
        """What the other direction waited for, of either account, is looked at anew; the heir has a company now."""
        rows = (plan.case.couple, plan.couple.beside)
        ids = [row.id for row in rows if row and row.parked_d365]
        for flow in filter(run.flow.is_opposite, self._flows.values()):
            await self._parking.found(flow, [plan.couple.id])
            for id_ in ids:
                await self._parking.remove(run.company, flow, id_)

    async def _freed(self, run: Run, former: Record, key: str) -> bool:
        """Whether the merged record holds no key any more. Raises SyncError when that can't be."""
        column = run.mapping.dataverse.key
        if not former.values.get(column):
            return True
        write = Write(former.key, {column: None}, uuid.uuid4().hex, version=former.version, key=key, seen=former)
        [verdict] = await self._targets[run.flow.target].write(run.company, run.mapping, [write])
        if verdict.error:
            raise verdict.error
        return verdict.outcome is Outcome.WRITTEN
