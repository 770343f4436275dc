"""Sends what belongs to a record that is being made in GP: it could not come before."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from sync.flow import Flow
from sync.mapping import Mapping
from sync.outcomes import Run
from sync.planning import Plan
from sync.sender import Sender


@runtime_checkable
class Family(Protocol):
    """A source that can be asked what belongs to its records, and is not known yet."""

    async def children(self, mapping: Mapping, parents: Sequence[str]) -> list[str]: ...


class Children:
    """A new customer of GP has no addresses yet: whatever its account has is new there. Where an account is coupled with a
    customer that GP has had, what the account had before may be there already, and is not sent.
    """

    def __init__(
        self, flows: Table[str, Flow], mappings: Table[str, Mapping], sources: Table[str, object], sender: Sender
    ) -> None:
        self._flows = flows
        self._mappings = mappings
        self._sources = sources
        self._sender = sender

    async def find(self, run: Run, plans: Sequence[Plan]) -> list[tuple[Flow, list[str]]]:
        """What belongs to the records that these plans make in GP, by the flow that is to look at it."""
        made = [plan.key for plan in plans if plan.write and plan.write.create]
        source = self._sources.get(run.flow.source)
        if not made or not isinstance(source, Family):
            return []
        flows = [flow for flow in self._flows.values() if self._belongs(flow, run.flow)]
        return [(flow, await source.children(self._mappings[flow.pair], made)) for flow in flows]

    async def send(self, run: Run, found: Sequence[tuple[Flow, list[str]]]) -> None:
        """Send what was found. It is called between intent and write: what is sent waits for as long as the intent stands, and
        whoever dies here makes the record once more.
        """
        for flow, ids in found:
            await self._sender.send(flow, run.company, ids, "awaited")

    def _belongs(self, flow: Flow, above: Flow) -> bool:
        parent = self._mappings[flow.pair].parent
        return parent is not None and (parent.pair, flow.source, flow.target) == (
            above.pair,
            above.source,
            above.target,
        )
