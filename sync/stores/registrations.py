"""What was registered in Dataverse and can't be read there again: a proof of each secret, never the secret."""

from datetime import UTC, datetime

from sync.stores.tables import Table

PARTITION = "dataverse"


class Registrations:
    """One row a service endpoint."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def proof(self, endpoint: str) -> str:
        """The proof that was kept when an endpoint's secret was last written; blank if never."""
        row = await self._table.get(PARTITION, endpoint)
        return str(row["proof"]) if row else ""

    async def keep(self, endpoint: str, proof: str) -> None:
        now = datetime.now(UTC).isoformat()
        await self._table.put({"PartitionKey": PARTITION, "RowKey": endpoint, "proof": proof, "at": now})

    async def forget(self, endpoint: str) -> None:
        await self._table.delete(PARTITION, endpoint)
