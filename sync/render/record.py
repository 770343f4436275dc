"""How one record looks to people: both ids, the agreed values and where each came from, what became of its changes."""

from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from sync.operations.show import Absence, Shown, Written
from sync.render.parked import cause
from sync.render.text import REASONS, is_told, moment, more_empty, plain_table, safe, value_text, whole
from sync.stores.couple import A_FIGHT, Agreed, Turns
from sync.stores.ledger import Line, Result
from sync.value import to_json

MASK = "***"
MANY = 5
"""So many changes of one line are told to people: a new record's stand among its agreed values too."""

TO_AND_FRO = 2
"""So often a field was written by the other side than before that it is worth a line."""

_COLOURS = {
    Result.CREATED: "green",
    Result.UPDATED: "green",
    Result.SKIPPED: "dim",
    Result.PARKED: "red",
    Result.DISCARDED: "yellow",
    Result.OBSERVED: "cyan",
}


def shown(record: Shown) -> RenderableType:
    couple = record.couple
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_row("GP", f"{couple.company}/{safe(couple.key)}")
    head.add_row("Dataverse", couple.id if couple.coupled else "not there yet")
    if couple.lineage and couple.coupled:
        last = couple.lineage
        seen = f"change {REASONS.get(last.reason, last.reason)} {moment(last.seen_at)} UTC"
        head.add_row("Last written", f"by {last.flow}, {seen}")
    if record.absence:
        head.add_row("[yellow]Missing[/]", _absence(record.absence))
    for name, turns in _by_turns(record):
        head.add_row("[yellow]By turns[/]", _turns(name, turns))
    for entry in record.parked:
        head.add_row("[red]Parked[/]", cause(entry))
    return Group(head, "", _agreed(record), "", _history(record))


def _absence(absence: Absence) -> str:
    system = "GP" if absence.side == "gp" else "Dataverse"
    seen, after = moment(absence.seen), moment(absence.acts_after)
    return f"not found in {system} at {seen} UTC; if it is missing still after {after} UTC, it counts as deleted"


def _by_turns(record: Shown) -> list[tuple[str, Turns]]:
    """The fields that have gone to and fro between the two sides of late."""
    return [(name, turns) for name, turns in sorted(record.couple.turns.items()) if turns.count >= TO_AND_FRO]


def _turns(name: str, turns: Turns) -> str:
    text = (
        f"{escape(name)} was written by each side after the other, {turns.count} times since {moment(turns.since)} UTC"
    )
    return f"{text}; at {A_FIGHT} within a day a person is asked"


def shown_json(record: Shown) -> dict[str, Any]:
    """One object: ids, agreed values, where each came from, history, parked; secrets masked."""
    couple = record.couple
    base = {
        name: {"gp": MASK, "d365": MASK} if name in record.secret else {"gp": to_json(a.gp), "d365": to_json(a.d365)}
        for name, a in couple.base.items()
    }
    return {
        "pair": couple.pair,
        "company": couple.company,
        "key": couple.key,
        "dataverse_id": couple.id if couple.coupled else None,
        "base": base,
        "lineage": vars(couple.lineage) if couple.lineage and couple.coupled else None,
        "fields": {name: _written_json(written, name in record.secret) for name, written in record.written.items()},
        "turns": {name: vars(turns) for name, turns in _by_turns(record)},
        "missing": vars(record.absence) if record.absence else None,
        "history": [_line_json(line, record.secret) for line in record.history],
        "parked": [vars(entry) for entry in record.parked],
    }


def _agreed(record: Shown) -> RenderableType:
    base = record.couple.base
    if not base:
        return "No values agreed yet."
    title = "Agreed values, and when each was last written"
    table = plain_table(whole("Field"), "Value", whole("Written (UTC)"), "Before", "Why", title=title)
    told = {name: pair for name, pair in sorted(base.items()) if is_told(pair.gp, pair.d365) or pair.unsure}
    for name, pair in told.items():
        hide = name in record.secret
        table.add_row(name, _value(pair, hide), *_origin(record.written.get(name), hide))
    return Group(table, *more_empty(len(base) - len(told)))


def _value(pair: Agreed, hide: bool) -> str:
    """One text where both sides read the same, else GP's, then Dataverse's."""
    texts = dict.fromkeys([value_text(pair.gp, hide), value_text(pair.d365, hide)])
    return " = ".join(texts) + (" [yellow]?[/]" if pair.unsure else "")


def _origin(written: Written | None, hide: bool) -> tuple[str, str, str]:
    if written is None:
        return "", "", "[dim]not in the last three months[/]"
    line, change = written.line, written.change
    why = f"{escape(change.rule)}, {line.reason.replace('_', ' ')}"
    return moment(line.done_at)[:16], value_text(change.old, hide), why


def _history(record: Shown) -> RenderableType:
    title = "What became of its changes in the last three months"
    table = plain_table(whole("Done (UTC)"), "Result", "Why", "Values", title=title)
    for line in record.history:
        colour = _COLOURS[line.result]
        why = safe(line.text) if line.text else REASONS.get(line.reason, line.reason)
        table.add_row(moment(line.done_at), f"[{colour}]{line.result}[/]", why, _changes(line, record.secret))
    return table


def _changes(line: Line, secret: frozenset[str]) -> str:
    told = [change for change in line.changes if is_told(change.old, change.new)]
    rows = [
        f"{c.field}: {value_text(c.old, c.field in secret)} → {value_text(c.new, c.field in secret)} "
        f"[dim]({escape(c.rule)})[/]"
        for c in told
    ]
    more = [f"[dim]and {len(rows) - MANY} more, which --json tells[/]"] if len(rows) > MANY else []
    return "\n".join([*rows[:MANY], *more, *more_empty(len(line.changes) - len(told))])


def _written_json(written: Written, hide: bool) -> dict[str, Any]:
    line, change = written.line, written.change
    values = {"old": MASK, "new": MASK} if hide else {"old": to_json(change.old), "new": to_json(change.new)}
    origin = {name: getattr(line, name) for name in ("done_at", "flow", "reason", "seen_at", "message_id")}
    return {**origin, **values, "rule": change.rule}


def _line_json(line: Line, secret: frozenset[str]) -> dict[str, Any]:
    changes = [{"field": c.field, "old": to_json(c.old), "new": to_json(c.new), "rule": c.rule} for c in line.changes]
    masked = [{**each, "old": MASK, "new": MASK} if each["field"] in secret else each for each in changes]
    return {**vars(line), "changes": masked}
