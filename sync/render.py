"""How results look to people in a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from sync.alerting import Sent
from sync.errors import SyncError
from sync.intake import Polled
from sync.operations.show import Shown
from sync.stores.ledger import Line, Result
from sync.stores.parked import Parked
from sync.system import Check
from sync.systems.dataverse.provision import Step
from sync.value import Value, to_json, visible

_REASONS = {
    "change_tracking": "seen by Change Tracking",
    "timestamp": "seen by its time stamp",
    "reread": "looked at with all others, as a feed's history was gone",
    "backfill": "looked at with all others, as a person asked",
    "restored": "looked at with all others, after GP was restored",
    "refreshed": "looked at with all others, after Dataverse was restored or copied",
    "sweep": "found by the sweep",
    "retry": "tried again by a person",
}
_COLOURS = {
    Result.CREATED: "green",
    Result.UPDATED: "green",
    Result.SKIPPED: "dim",
    Result.PARKED: "red",
    Result.DISCARDED: "yellow",
    Result.OBSERVED: "cyan",
}


def checks(lines: Sequence[Check]) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    for line in lines:
        advice = f"\n[yellow]→ {escape(line.next_step)}[/]" if line.next_step else ""
        table.add_row("[green]✓[/]" if line.ok else "[red]✗[/]", escape(line.name), escape(line.detail) + advice)
    bad = sum(not line.ok for line in lines)
    verdict = (
        f"[red]{bad} of {len(lines)} {'is' if bad == 1 else 'are'} not well[/]"
        if bad
        else f"[green]All {len(lines)} are well[/]"
    )
    return Group(table, "", verdict)


def steps(done: Sequence[Step]) -> RenderableType:
    table = Table("What", "State", box=None, pad_edge=False)
    for step in done:
        table.add_row(escape(step.what), f"[green]{step.state}[/]" if step.state == "created" else step.state)
    return table


def polled(done: Sequence[Polled]) -> RenderableType:
    table = Table("Company", "Flow", "Records sent", "", box=None, pad_edge=False)
    for one in done:
        for flow, count in one.keys.items():
            table.add_row(
                one.company, flow, str(count), "history gone: all looked at again" if flow in one.reread else ""
            )
    return table


def sent(done: Sequence[Sent]) -> RenderableType:
    if not done:
        return "[green]Nothing that was not told already.[/]"
    table = Table("Channel", "", box=None, pad_edge=False)
    for one in done:
        table.add_row(one.channel, f"[red]failed: {_safe(one.error)}[/]" if one.error else "[green]sent[/]")
    return table


def parked(entries: Sequence[Parked]) -> RenderableType:
    if not entries:
        return "[green]Nothing waits for a person.[/]"
    table = Table("Record", "Why, and what to do", show_lines=True)
    table.columns[0].overflow = "fold"
    for entry in entries:
        record = f"{entry.pair}/{entry.company}/{entry.key}" if entry.flow != "-" else f"message {entry.key[:8]}"
        since = f"[dim]since {_moment(entry.since)} UTC[/]"
        table.add_row(f"{_safe(record)}\n{since}", _cause(entry))
    return Group(table, f"{len(entries)} parked")


def counted(what: str, entries: Sequence[Parked]) -> RenderableType:
    return f"{len(entries)} {what}" if entries else "[yellow]Nothing parked matches.[/]"


def retried(sent: Sequence[Parked], refused: Sequence[SyncError]) -> RenderableType:
    if not refused:
        return counted("sent again", sent)
    return Group(f"{len(sent)} sent again, {len(refused)} not:", *map(failure, refused))


def shown(record: Shown) -> RenderableType:
    couple = record.couple
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_row("GP", f"{couple.company}/{_safe(couple.key)}")
    head.add_row("Dataverse", couple.id if couple.coupled else "not there yet")
    if couple.lineage:
        last = couple.lineage
        seen = f"change {_REASONS.get(last.reason, last.reason)} {_moment(last.seen_at)} UTC"
        head.add_row("Last written", f"by {last.flow}, {seen}")
    for entry in record.parked:
        head.add_row("[red]Parked[/]", _cause(entry))
    return Group(head, "", _agreed(record), "", _history(record))


def shown_json(record: Shown) -> dict[str, Any]:
    """One object: ids, agreed values, history, parked; secrets masked."""
    couple = record.couple
    base = {
        name: {"source": "***", "target": "***"}
        if name in record.secret
        else {"source": to_json(a.source), "target": to_json(a.target)}
        for name, a in couple.base.items()
    }
    return {
        "pair": couple.pair,
        "company": couple.company,
        "key": couple.key,
        "dataverse_id": couple.id if couple.coupled else None,
        "base": base,
        "lineage": vars(couple.lineage) if couple.lineage else None,
        "history": [_line_json(line, record.secret) for line in record.history],
        "parked": [vars(entry) for entry in record.parked],
    }


def failure(error: SyncError) -> RenderableType:
    return f"[red]{escape(error.message)}[/]\n{escape(error.next_step)} [dim]({error.code})[/]"


@contextmanager
def waiting(title: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A spinner on standard error that says what is being looked at; nothing when `quiet`."""
    if quiet:
        yield lambda _: None
        return
    with Console(stderr=True).status(title) as status:
        yield lambda text: status.update(f"{title}: {escape(text)}")


def _cause(entry: Parked) -> str:
    return f"[red]{entry.code}[/]: {_safe(entry.message)}\n[yellow]→ {_safe(entry.next_step)}[/]"


def _agreed(record: Shown) -> RenderableType:
    base = record.couple.base
    if not base:
        return "No values agreed yet."
    table = Table("Field", "GP", "Dataverse", title="Agreed values", title_justify="left")
    told = {name: pair for name, pair in sorted(base.items()) if _is_told(pair.source, pair.target) or pair.unsure}
    for name, pair in told.items():
        hide = name in record.secret
        unsure = " [yellow]?[/]" if pair.unsure else ""
        table.add_row(name, _text(pair.source, hide), _text(pair.target, hide) + unsure)
    return Group(table, *_more(len(base) - len(told)))


def _history(record: Shown) -> RenderableType:
    title = "What became of its changes in the last three months"
    table = Table("Done (UTC)", "Result", "Why", "Values", title=title, title_justify="left")
    for line in record.history:
        colour = _COLOURS[line.result]
        why = _safe(line.text) if line.text else _REASONS.get(line.reason, line.reason)
        table.add_row(_moment(line.done_at), f"[{colour}]{line.result}[/]", why, _changes(line, record.secret))
    return table


def _changes(line: Line, secret: frozenset[str]) -> str:
    told = [change for change in line.changes if _is_told(change.old, change.new)]
    rows = [
        f"{c.field}: {_text(c.old, c.field in secret)} → {_text(c.new, c.field in secret)} [dim]({escape(c.rule)})[/]"
        for c in told
    ]
    return "\n".join([*rows, *_more(len(line.changes) - len(told))])


def _is_told(one: Value, other: Value) -> bool:
    """Most fields of most records are empty on both sides: people are told their number only."""
    return any(value not in (None, "") for value in (one, other))


def _more(empty: int) -> list[str]:
    return [f"[dim]and {empty} empty on both sides[/]"] if empty else []


def _line_json(line: Line, secret: frozenset[str]) -> dict[str, Any]:
    changes = [{"field": c.field, "old": to_json(c.old), "new": to_json(c.new), "rule": c.rule} for c in line.changes]
    masked = [{**each, "old": "***", "new": "***"} if each["field"] in secret else each for each in changes]
    return {**vars(line), "changes": masked}


def _text(value: Value, hide: bool = False) -> str:
    return "***" if hide else "–" if value is None else _safe(str(value))


def _safe(text: str) -> str:
    return escape(visible(text))


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")
