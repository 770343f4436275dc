"""What must hold of the line's own books when a history has come to rest: crosswalk, intents, ledger."""

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

from sync.keys import encode
from sync.stores.couple import DELETED
from sync.system import Write
from tests.model.systems import KILLS
from tests.model.world import World


def faults_of_books(world: World, *, settled: bool) -> list[str]:
    """Every fault. `settled`: by now somebody has looked at every record, so neither an intent nor a mark may be left."""
    return [*_ledger(world), *_pointers(world), *_acted_on_too_early(world), *(_left(world) if settled else [])]


def _left(world: World) -> list[str]:
    """Nobody can settle the intent of a record that kills whoever reads it: that one is parked with it."""
    lives = [row for row in rows_of(world) if not _kills(world, row)]
    return [
        *(f"{row['key']} still has an intent" for row in lives if row["intent"]),
        *(f"{row['key']} is missing still, and nobody looks for it again" for row in lives if row["missing"]),
    ]


def _kills(world: World, row: Any) -> bool:
    record = world.gp.records.get((company_of(row), row["key"]))
    return record is not None and record.values["CUSTNAME"] == KILLS


def _acted_on_too_early(world: World) -> list[str]:
    """A record that nobody has deleted, but that was away for a while, or has another id by now, was taken for deleted."""
    back = world.setting.back
    return [
        f"{company_of(row)}/{row['key']} was taken for deleted: {row['text']} {row['changes']}"
        for row in world.tables.ledger.entities.values()
        if (row["code"] == DELETED or '"deleted in ' in row["changes"])
        and (company_of(row), row["key"]) not in world.gp.deleted
        and not (back and row["flow"] == back.name and row["key"] in world.dataverse.deleted)
    ]


def _pointers(world: World) -> list[str]:
    """Both rows of every couple, and no others."""
    wanted = {(row["PartitionKey"], f"d365~{row['d365']}"): row["key"] for row in rows_of(world) if row["d365"]}
    rows = world.tables.crosswalk.entities.items()
    found = {name: row["key"] for name, row in rows if name[1].startswith("d365~") and row["key"]}
    return [f"{name} points to {key} or is missing" for name, key in wanted.items() ^ found.items()]


def _ledger(world: World) -> list[str]:
    """One outcome per message and key, by the key of its row; every write that landed is told, and nothing else is."""
    lines = {(row["message_id"], company_of(row), row["key"]): row for row in world.tables.ledger.entities.values()}
    created = Counter((company_of(row), row["key"]) for row in lines.values() if row["result"] == "created")
    deleted = world.dataverse.deleted or world.gp.deleted
    return [
        *_unanswered(world, lines.keys()),
        *_untold(world, lines),
        *(
            f"{key} was created {count} times by the ledger"
            for key, count in created.items()
            if count > 1 and not deleted
        ),
    ]


def _unanswered(world: World, answered: Collection[tuple[str, str, str]]) -> list[str]:
    sent = [json.loads(body) for body in dict.fromkeys(world.queues.sent)]
    events = {(message["message_id"], message["company"], key) for message in sent for key in message["keys"]}
    return [f"{company}/{key}: no outcome of message {name}" for name, company, key in sorted(events - set(answered))]


def _untold(world: World, lines: dict[tuple[str, str, str], Any]) -> list[str]:
    faults = []
    intents = world.tables.crosswalk.intents
    writes = (*world.dataverse.landed, *world.gp.writes)
    landed = [write for write in writes if write.values and write.mark in intents]
    for write in landed:
        message_id, company, key = intents[write.mark]
        line = lines.get((message_id, company, key))
        told = line and (line["result"] in ("created", "updated") or line["changes"] != "[]")
        if not told and not _given_up(world, write):
            faults.append(f"{company}/{key}: a write of message {message_id} is told as {line and line['text']!r}")
    marks = {write.mark for write in writes}
    lies = [
        row for row in lines.values() if row["attempt"] and row["attempt"] not in marks and row["result"] != "created"
    ]
    return [*faults, *(f"{row['key']}: told as written, but never landed" for row in lies)]


def _given_up(world: World, write: Write) -> bool:
    """A create that landed late, or whose account a user deleted at once; or a write that nobody settles, but a person."""
    open_intents = "".join(row["intent"] + row["doubt"] for row in rows_of(world))
    deleted = world.dataverse.deleted | {key for _, key in world.gp.deleted}
    return write.mark in world.dataverse.created_late or write.id in deleted or write.mark in open_intents


def company_of(row: Any) -> str:
    return str(row["PartitionKey"].partition(".")[0])


def rows_of(world: World) -> list[Any]:
    return [row for (_, name), row in world.tables.crosswalk.entities.items() if name.startswith("gp~")]


def row_of(world: World, company: str, key: str) -> Any:
    return world.tables.crosswalk.entities.get((f"{company}.{world.setting.flow.pair}", f"gp~{encode(key)}"))
