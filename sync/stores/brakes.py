"""What passed within the hour, per flow: shared by all instances, changed by compare-and-set."""

from dataclasses import asdict, dataclass, replace

from sync.stores.tables import Table


@dataclass(frozen=True)
class Tally:
    """Counts of a flow since `began`. `known`: how many records were coupled at `counted_at`.

    Events seen up to `passes_until` pass uncounted: a person let them. Times are ISO texts, blank for never. `etag` is
    blank for a flow that was never counted.
    """

    company: str
    flow: str
    began: str = ""
    deletes: int = 0
    changes: int = 0
    known: int = 0
    counted_at: str = ""
    passes_until: str = ""
    etag: str = ""

    def anew(self, began: str) -> "Tally":
        return replace(self, began=began, deletes=0, changes=0)


class Brakes:
    """Partition company, row flow."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def read(self, company: str, flow: str) -> Tally:
        row = await self._table.get(company, flow)
        if row is None:
            return Tally(company, flow)
        names = Tally.__dataclass_fields__.keys() - {"etag"}
        return Tally(**{name: row[name] for name in names}, etag=row.metadata["etag"])  # type: ignore[attr-defined]

    async def save(self, tally: Tally) -> Tally | None:
        """Store a tally that was read with its ETag; None when another instance was faster."""
        row = {"PartitionKey": tally.company, "RowKey": tally.flow, **asdict(tally)}
        del row["etag"]
        etag = await (self._table.replace(row, tally.etag) if tally.etag else self._table.insert(row))
        return replace(tally, etag=etag) if etag else None
