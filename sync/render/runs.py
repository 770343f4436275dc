"""How runs look to people: a bar while one is under way, a table of all, a page for one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from sync.operations.backfill import Progress as Standing
from sync.operations.backfill import again
from sync.render.text import moment, number, plain_table, whole
from sync.stores.runs import State

_COLOURS = {State.RUNNING: "cyan", State.DONE: "green", State.STOPPED: "yellow"}


@contextmanager
def bar(title: str, *, quiet: bool) -> Iterator[Callable[[Standing], None]]:
    """A bar of records done on standard error, moved by calling it; nothing when `quiet`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}", justify="right"),
        TextColumn("{task.fields[rate]}", style="dim"),
        TextColumn("{task.fields[parked]}", style="red"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[waits]}", style="yellow"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        tasks: list[TaskID] = []

        def move(standing: Standing) -> None:
            if not tasks:
                # What an earlier command did must not count as this one's speed.
                tasks.append(progress.add_task(title, **_fields(standing, None)))
            progress.update(tasks[0], **_fields(standing, progress.tasks[0].speed))

        yield move


def listed(all_runs: Sequence[Standing]) -> RenderableType:
    if not all_runs:
        return "There was no run yet."
    table = plain_table(whole("Run"), "What", "State", number("Done"), number("Of"), number("Parked"))
    for standing in all_runs:
        run = standing.run
        parked = standing.counts.get("parked", 0)
        table.add_row(
            run.id,
            _what(standing),
            f"[{_COLOURS[run.state]}]{run.state}[/]",
            f"{standing.done:,}",
            f"{_total(standing):,}",
            f"[red]{parked:,}[/]" if parked else "",
        )
    return table


def shown(standing: Standing) -> RenderableType:
    run = standing.run
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_row("Run", run.id)
    head.add_row("What", _what(standing))
    head.add_row("State", f"[{_COLOURS[run.state]}]{run.state}[/]{_place(standing)}")
    head.add_row("Started", f"{moment(run.started)} UTC by {escape(run.who)}")
    if run.ended:
        head.add_row("Ended", f"{moment(run.ended)} UTC")
    return Group(head, "", _counts(standing), *_next(standing))


def as_json(standing: Standing) -> dict[str, Any]:
    """One object a run: what it is about, where it stands, its counts by outcome."""
    run = standing.run
    names = ("id", "kind", "company", "flow", "fields", "who", "started", "ended", "state", "place", "sent", "total")
    counts = dict.fromkeys(("created", "updated", "skipped", "parked"), 0) | standing.counts
    return {
        **{name: getattr(run, name) for name in names},
        **counts,
        "done": standing.done,
        "waiting": standing.waiting,
    }


def summary(standing: Standing) -> RenderableType:
    """One line at the end of a backfill, and what to do next."""
    told = ", ".join(f"{count:,} {result}" for result, count in standing.counts.items())
    line = f"{escape(_what(standing))}: {standing.done:,} of {_total(standing):,} done"
    return Group(f"{line}: {told}." if told else f"{line}.", *_next(standing))


def _fields(standing: Standing, speed: float | None) -> dict[str, Any]:
    parked = standing.counts.get("parked", 0)
    return {
        "total": _total(standing),
        "completed": standing.done,
        "rate": f"{speed:,.0f}/s" if speed else "",
        "parked": f"{parked:,} parked" if parked else "",
        "waits": standing.waits,
    }


def _counts(standing: Standing) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for result, count in standing.counts.items():
        table.add_row(result, f"[red]{count:,}[/]" if result == "parked" else f"{count:,}")
    table.add_row("waiting", f"{standing.waiting:,}")
    table.add_row("not sent yet", f"{max(_total(standing) - standing.run.sent, 0):,}")
    return table


def _next(standing: Standing) -> list[str]:
    """What a person does now, where there is something to do."""
    run = standing.run
    steps = []
    if standing.counts.get("parked"):
        steps.append(f"python -m sync parked list --company {run.company}")
    if run.state is State.RUNNING and not standing.finished:
        steps.append(f"{again(run)}   goes on with it")
    return [f"[yellow]→ {escape(step)}[/]" for step in steps]


def _what(standing: Standing) -> str:
    run = standing.run
    fields = f" ({', '.join(run.fields)})" if run.fields else ""
    return f"{run.kind} {run.flow} {run.company}{fields}"


def _place(standing: Standing) -> str:
    run = standing.run
    if run.state is not State.RUNNING:
        return ""
    if run.all_sent:
        return ", everything is sent"
    return f", sent as far as {escape(run.place)}" if run.place else ", nothing sent yet"


def _total(standing: Standing) -> int:
    """As many as were counted at the start, until the last one is sent."""
    run = standing.run
    return run.sent if run.all_sent else max(run.total, run.sent)
