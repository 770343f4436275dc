"""Identities: which environment each side of a company was when it was first met, or last accepted by a person.

Partition company, row system.
"""

import json
from datetime import UTC, datetime

from sync.stores.tables import Table


class Identities:
    """What was read is kept for as long as the process lives, unless it is read through."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    async def known(self, company: str, system: str, *, fresh: bool = False) -> dict[str, str] | None:
        """The facts that are kept of a side; None before it was met."""
        if fresh or (company, system) not in self._known:
            row = await self._table.get(company, system)
            if row is None:
                return None
            self._known[company, system] = json.loads(row["facts"])
        return self._known[company, system]

    async def meet(self, company: str, system: str, facts: dict[str, str]) -> None:
        """Keep the facts of a side that is met for the first time."""
        if (company, system) not in self._known and await self._table.insert(_row(company, system, facts)):
            self._known[company, system] = facts

    async def accept(self, company: str, system: str, facts: dict[str, str]) -> None:
        """A person says that these are the right ones from now on."""
        await self._table.put(_row(company, system, facts))
        self._known[company, system] = facts


def _row(company: str, system: str, facts: dict[str, str]) -> dict[str, str]:
    now = datetime.now(UTC).isoformat()
    return {"PartitionKey": company, "RowKey": system, "facts": json.dumps(facts, ensure_ascii=False), "since": now}
