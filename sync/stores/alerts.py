"""What was told on which channel: one partition a channel, one row a topic, and a row for the channel itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sync.stores.tables import Table, quoted
from sync.stores.transactions import Operation

CHANNEL = "channel"
TOPIC = "topic~"


@dataclass(frozen=True)
class Told:
    """How many records a topic counted when it was told, and when (ISO 8601)."""

    count: int
    at: str


@dataclass(frozen=True)
class Heard:
    """What a channel was told. `busy_until`: an instance is sending; `error`: why the last message failed, or blank.

    `etag` is blank for a channel that was never used.
    """

    channel: str
    busy_until: str = ""
    sent_at: str = ""
    failed_at: str = ""
    error: str = ""
    told: Mapping[str, Told] = field(default_factory=dict)
    etag: str = ""


class Alerts:
    def __init__(self, table: Table) -> None:
        self._table = table

    async def read(self, channel: str) -> Heard:
        heard, told = Heard(channel), {}
        async for row in self._table.query(f"PartitionKey eq {quoted(channel)}"):
            if row["RowKey"] == CHANNEL:
                names = ("busy_until", "sent_at", "failed_at", "error")
                heard = Heard(channel, **{name: row[name] for name in names}, etag=row.metadata["etag"])  # type: ignore[attr-defined]
            else:
                told[row["RowKey"].removeprefix(TOPIC)] = Told(row["count"], row["at"])
        return replace(heard, told=told)

    async def save(self, old: Heard, new: Heard) -> Heard | None:
        """Replace what was read; None when another instance was faster. At most 99 topics may differ."""
        [etags] = await self._table.transact([[_channel(old, new), *_topics(old, new)]])
        return replace(new, etag=etags[0]) if etags else None


def _channel(old: Heard, new: Heard) -> Operation:
    row = {
        **{"PartitionKey": new.channel, "RowKey": CHANNEL, "busy_until": new.busy_until},
        **{"sent_at": new.sent_at, "failed_at": new.failed_at, "error": new.error},
    }
    if not old.etag:
        return "create", row
    return "update", row, {"etag": old.etag}


def _topics(old: Heard, new: Heard) -> list[Operation]:
    def row(name: str, **values: Any) -> dict[str, Any]:
        return {"PartitionKey": new.channel, "RowKey": f"{TOPIC}{name}", **values}

    changed = [(name, told) for name, told in new.told.items() if old.told.get(name) != told]
    return [
        *(("upsert", row(name, count=told.count, at=told.at)) for name, told in changed),
        *(("delete", row(name)) for name in old.told.keys() - new.told.keys()),
    ]
