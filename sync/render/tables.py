"""How results look to people in a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from sync.alerting import Sent
from sync.catchup import CaughtUp
from sync.intake import Polled
from sync.render.text import safe
from sync.sweep import Swept
from sync.system import Check
from sync.systems.dataverse.provision import Step
from sync.systems.dataverse.registration import Done

_FULL = "the lanes are full: the rest follows when the workers have caught up"


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


def registered(found: Sequence[Done], dry: bool) -> RenderableType:
    if not found:
        return "[green]Nothing is registered.[/]"
    table = Table("What", "State", "Differences", box=None, pad_edge=False)
    for done in found:
        changed = done.state != "present"
        state = f"would be {done.state}" if dry and changed else done.state
        table.add_row(
            escape(done.what), f"[green]{state}[/]" if changed else state, "\n".join(map(safe, done.differences))
        )
    return table


def polled(done: Sequence[Polled], caught: Sequence[CaughtUp]) -> RenderableType:
    table = Table("Company", "Flow", "Records sent", "", box=None, pad_edge=False)
    for one in done:
        for flow, count in one.keys.items():
            word = "history gone: all looked at again" if flow in one.reread else ""
            table.add_row(one.company, flow, str(count), _FULL if one.full else word)
    return Group(table, "", _caught_up(caught)) if caught else table


def _caught_up(done: Sequence[CaughtUp]) -> RenderableType:
    table = Table("Dataverse", "Changes", "", box=None, pad_edge=False)
    for one in done:
        word = "history gone: all is compared" if one.lost else ""
        word = "the first look goes on" if one.opening else word
        table.add_row(one.table, str(one.events), _FULL if one.full else word)
    return table


def swept(done: Sequence[Swept]) -> RenderableType:
    table = Table("Company", "Flow", "Records sent", "", box=None, pad_edge=False)
    for one in done:
        table.add_row(one.company, one.flow, str(one.keys), _FULL if one.full else "")
    return table


def sent(done: Sequence[Sent]) -> RenderableType:
    if not done:
        return "[green]Nothing that was not told already.[/]"
    table = Table("Channel", "", box=None, pad_edge=False)
    for one in done:
        table.add_row(one.channel, f"[red]failed: {safe(one.error)}[/]" if one.error else "[green]sent[/]")
    return table


@contextmanager
def waiting(title: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A spinner on standard error that says what is being looked at; nothing when `quiet`."""
    if quiet:
        yield lambda _: None
        return
    with Console(stderr=True).status(title) as status:
        yield lambda text: status.update(f"{title}: {escape(text)}")
