"""How parked records look to people: grouped by their cause, or one by one."""

from collections.abc import Sequence

from rich.console import Group, RenderableType

from sync.errors import SyncError
from sync.operations.parked import Causes
from sync.render.text import failure, moment, number, plain_table, safe, whole
from sync.stores.parked import Parked

NOTHING = "[green]Nothing waits for a person.[/]"


def causes(groups: Sequence[Causes]) -> RenderableType:
    """One row a cause, the most frequent first, with what to do about it."""
    if not groups:
        return NOTHING
    table = plain_table(number("Records"), "Cause, and what to do", whole("Since (UTC)"), "Such as")
    for group in groups:
        what = f"[red]{group.code}[/]\n{safe(group.meaning)}\n[yellow]→ {safe(group.next_step)}[/]\n"
        table.add_row(f"{group.count:,}", what, moment(group.oldest)[:16], "\n".join(map(_name, group.examples)))
    total = sum(group.count for group in groups)
    look = (
        f"python -m sync parked list --code {groups[0].code}" if len(groups) > 1 else "python -m sync parked list --all"
    )
    return Group(table, f"{total:,} parked. [dim]One by one: {look}[/]")


def parked(entries: Sequence[Parked]) -> RenderableType:
    """One row a record, and below what to do about each cause."""
    if not entries:
        return NOTHING
    table = plain_table(whole("Record"), whole("Since (UTC)"), "Why")
    for entry in entries:
        table.add_row(_name(entry), moment(entry.since)[:16], f"[red]{entry.code}[/]: {safe(entry.message)}")
    steps = dict.fromkeys(f"[yellow]→ {entry.code}: {safe(entry.next_step)}[/]" for entry in entries)
    return Group(table, "", *steps, f"{len(entries):,} parked")


def counted(what: str, entries: Sequence[Parked]) -> RenderableType:
    return f"{len(entries)} {what}" if entries else "[yellow]Nothing parked matches.[/]"


def retried(sent: Sequence[Parked], refused: Sequence[SyncError]) -> RenderableType:
    if not refused:
        return counted("sent again", sent)
    return Group(f"{len(sent)} sent again, {len(refused)} not:", *map(failure, refused))


def cause(entry: Parked) -> str:
    return f"[red]{entry.code}[/]: {safe(entry.message)}\n[yellow]→ {safe(entry.next_step)}[/]"


def _name(entry: Parked) -> str:
    return safe(f"{entry.pair}/{entry.company}/{entry.key}" if entry.flow != "-" else f"message {entry.key[:8]}")
