"""How a couple stands in the rows of the crosswalk, and which operations store a change of it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sync.keys import encode
from sync.stores.couple import Agreed, Couple, Intent, Lineage, Outline, Planned, Turns
from sync.stores.transactions import Operation
from sync.value import from_json, to_json

NOTE = "note~"
"""How the name of a row begins that points from GP's identity to a couple."""


def note_row(identity: str) -> str:
    """The name of the row that points to the couple with this identity."""
    return f"{NOTE}{encode(identity)}"


def outline_from(row: dict[str, Any], now: datetime) -> Outline:
    return Outline(
        row["key"],
        row["d365"],
        row["coupled"],
        row["parked"],
        row["parked_d365"],
        row.get("discarded", ""),
        intent=json.loads(row["intent"])["flow"] if row["intent"] else "",
        age=now - row.metadata["timestamp"],  # type: ignore[attr-defined]
    )


def operations_of(old: Couple, new: Couple) -> list[Operation]:
    """The first one is about the row that carries the couple: its ETag is the couple's."""
    after = _rows(new)
    before = _rows(old) if old.etag else {}
    etags = {next(iter(before)): old.etag} if before else {}
    if new.beside and (own := next(iter(_rows(new.beside)))) in after:
        before[own] = {}
        etags[own] = new.beside.etag
    operations: list[Operation] = []
    for name, row in after.items():
        if name in etags:
            operations.append(("update", row, {"etag": etags[name]}))
        elif name not in before:
            operations.append(("create", row))
        elif before[name] != row:
            operations.append(("upsert", row))
    for name in before.keys() - after.keys():
        row = {"PartitionKey": new.partition, "RowKey": name}
        operations.append(("delete", row, {"etag": etags[name]}) if name in etags else ("delete", row))
    return operations + _note(old, new)


def _note(old: Couple, new: Couple) -> list[Operation]:
    """The row that points from GP's identity to the couple, where it is not there yet."""
    points = new.key if new.id and new.identity else ""
    if not points or (old.etag and old.id and (old.key, old.identity) == (new.key, new.identity)):
        return []
    row = {"PartitionKey": new.partition, "RowKey": note_row(new.identity), "key": points}
    return [("create" if old.unnoted else "upsert", row)]


def each_note_once(groups: Sequence[list[Operation]]) -> list[list[Operation]]:
    """A transaction may name a row only once, and records of GP may share an identity."""
    seen: set[str] = set()
    kept: list[list[Operation]] = []
    for group in groups:
        kept.append([each for each in group if each[1]["RowKey"] not in seen])
        seen |= {name for each in group if (name := each[1]["RowKey"]).startswith(NOTE)}
    return kept


def _rows(couple: Couple) -> dict[str, dict[str, Any]]:
    """The rows of a couple by name, the one that carries it first."""
    pointing = f"d365~{couple.id}"
    if not couple.key:
        return {pointing: _row(couple, pointing)}
    carrying = f"gp~{encode(couple.key)}"
    pointer = {"PartitionKey": couple.partition, "RowKey": pointing, "key": couple.key}
    return {carrying: _row(couple, carrying)} | ({pointing: pointer} if couple.id else {})


def _row(couple: Couple, name: str) -> dict[str, Any]:
    return {
        "PartitionKey": couple.partition,
        "RowKey": name,
        "key": couple.key,
        "d365": couple.id,
        "coupled": couple.coupled,
        "identity": couple.identity,
        "base": _dump({name: [to_json(a.gp), to_json(a.d365), a.unsure] for name, a in couple.base.items()}),
        "intent": _dump(_intent_json(couple.intent)) if couple.intent else "",
        "doubt": _dump(_intent_json(couple.doubt)) if couple.doubt else "",
        "parked": couple.parked,
        "parked_d365": couple.parked_d365,
        "unmet": couple.unmet or "",
        "gone": couple.gone,
        "answer": couple.answer,
        "take": couple.take or "",
        "granted": couple.granted or "",
        "discarded": couple.discarded,
        "lineage": _dump(vars(couple.lineage)) if couple.lineage else "",
        "turns": _dump({name: list(vars(turns).values()) for name, turns in couple.turns.items()})
        if couple.turns
        else "",
        "missing": couple.missing or "",
        "gone_from": couple.gone_from or "",
    }


def _intent_json(intent: Intent) -> dict[str, Any]:
    fields = {name: [to_json(p.source), to_json(p.old), to_json(p.new)] for name, p in intent.fields.items()}
    return {**vars(intent), "fields": fields}


def couple_from(row: dict[str, Any], company: str, pair: str, now: datetime) -> Couple:
    metadata = row.metadata  # type: ignore[attr-defined]
    base = {
        name: Agreed(from_json(gp), from_json(d365), unsure)
        for name, (gp, d365, unsure) in json.loads(row["base"]).items()
    }
    return Couple(
        company,
        pair,
        row["key"],
        id=row["d365"],
        coupled=row["coupled"],
        identity=row["identity"],
        base=base,
        intent=_intent(json.loads(row["intent"])) if row["intent"] else None,
        doubt=_intent(json.loads(row["doubt"])) if row.get("doubt") else None,
        parked=row["parked"],
        parked_d365=row["parked_d365"],
        unmet=row["unmet"] or None,
        answer=row["answer"],
        take=row["take"] or None,
        granted=row.get("granted") or None,
        discarded=row.get("discarded", ""),
        lineage=Lineage(**json.loads(row["lineage"])) if row["lineage"] else None,
        turns={name: Turns(*turns) for name, turns in json.loads(row.get("turns") or "{}").items()},
        missing=row.get("missing") or None,
        gone_from=row.get("gone_from") or None,
        etag=metadata["etag"],
        stored=metadata["timestamp"],
        age=now - metadata["timestamp"],
    )


def _intent(stored: dict[str, Any]) -> Intent:
    fields = {name: Planned(*map(from_json, halves)) for name, halves in stored["fields"].items()}
    return Intent(**{**stored, "fields": fields})


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
