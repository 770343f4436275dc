"""How results look to people in a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from sync.errors import SyncError
from sync.intake import Polled
from sync.operations.show import Shown
from sync.stores.ledger import Line, Result
from sync.stores.parked import Parked
from sync.system import Check
from sync.systems.dataverse.provision import Step
from sync.value import Value, to_json

_COLOURS = {
    Result.CREATED: "green",
    Result.UPDATED: "green",
    Result.SKIPPED: "dim",
    Result.PARKED: "red",
    Result.DISCARDED: "yellow",
}


def checks(lines: Sequence[Check]) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    for line in lines:
        advice = f"\n[yellow]→ {escape(line.next_step)}[/]" if line.next_step else ""
        table.add_row("[green]✓[/]" if line.ok else "[red]✗[/]", escape(line.name), escape(line.detail) + advice)
    bad = sum(not line.ok for line in lines)
    verdict = f"[red]{bad} of {len(lines)} are not well[/]" if bad else f"[green]All {len(lines)} are well[/]"
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


def parked(entries: Sequence[Parked]) -> RenderableType:
    if not entries:
        return "[green]Nothing waits for a person.[/]"
    table = Table("Record", "Since", "Why", "What to do", show_lines=True)
    for entry in entries:
        record = f"{entry.pair}/{entry.company}/{entry.key}" if entry.flow != "-" else f"message {entry.key[:8]}"
        why = f"[red]{entry.code}[/]\n{escape(entry.message)}"
        table.add_row(escape(record), entry.since[:19].replace("T", " "), why, escape(entry.next_step))
    return Group(table, f"{len(entries)} parked")


def counted(what: str, entries: Sequence[Parked]) -> RenderableType:
    return f"{len(entries)} {what}" if entries else "[yellow]Nothing parked matches.[/]"


def shown(record: Shown) -> RenderableType:
    couple = record.couple
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_row("GP", f"{couple.company}/{escape(couple.key)}")
    head.add_row("Dataverse", couple.id if couple.coupled else "not there yet")
    if couple.lineage:
        last = couple.lineage
        head.add_row(
            "Last written", f"by {last.flow} ({last.reason}), change seen {last.seen_at[:19].replace('T', ' ')} UTC"
        )
    for entry in record.parked:
        head.add_row("[red]Parked[/]", f"[red]{entry.code}[/]: {escape(entry.message)} {escape(entry.next_step)}")
    values = Table("Field", "GP", "Dataverse", title="Agreed values", title_justify="left")
    for name, agreed in sorted(couple.base.items()):
        hide = name in record.secret
        values.add_row(
            name, _text(agreed.source, hide), _text(agreed.target, hide) + (" [yellow]?[/]" if agreed.unsure else "")
        )
    return Group(head, "", values, "", _history(record.history))


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
        "history": [_line_json(line) for line in record.history],
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


def _history(lines: Sequence[Line]) -> Table:
    table = Table("Done (UTC)", "Result", "Why", "Values", title="What became of its changes", title_justify="left")
    for line in lines:
        colour = _COLOURS[line.result]
        values = "\n".join(
            f"{c.field}: {_text(c.old)} → {_text(c.new)} [dim]({escape(c.rule)})[/]" for c in line.changes
        )
        table.add_row(
            line.done_at[:19].replace("T", " "), f"[{colour}]{line.result}[/]", escape(line.text or line.reason), values
        )
    return table


def _line_json(line: Line) -> dict[str, Any]:
    changes = [{"field": c.field, "old": to_json(c.old), "new": to_json(c.new), "rule": c.rule} for c in line.changes]
    return {**vars(line), "changes": changes}


def _text(value: Value, hide: bool = False) -> str:
    return "***" if hide else "–" if value is None else escape(str(value))
