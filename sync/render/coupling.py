"""How a match report's making, its carrying out, and an uncoupling look to people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from sync.operations.match import Step
from sync.operations.match_apply import Applied
from sync.operations.uncouple import Uncoupled
from sync.render.text import plain_table, safe, value_text, whole

MOST_TOLD = 20

_COUNTS = (
    ("already", "coupled or decided on before"),
    ("couples", "sure couples"),
    ("doubtful", "may be there: a person must look"),
    ("only_gp", "only in GP"),
    ("only_dataverse", "only in Dataverse"),
)


@contextmanager
def bar(*, quiet: bool) -> Iterator[Callable[[Step], None]]:
    """A bar on standard error for each thing that is done, one after the other; nothing when `quiet`."""
    columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        tasks: dict[str, TaskID] = {}

        def move(step: Step) -> None:
            if step.what not in tasks:
                tasks[step.what] = progress.add_task(step.what, total=step.total, told="")
            told = f"{step.done:,}/{step.total:,}" if step.total else f"{step.done:,}"
            progress.update(tasks[step.what], completed=step.done, total=step.total, told=told)

        yield move


def reported(told: dict[str, Any]) -> RenderableType:
    """What the report holds, and what to do with it."""
    table = plain_table("", "")
    table.show_header = False
    table.add_row(f"{told['gp']:,}", "records in GP")
    table.add_row(f"{told['dataverse']:,}", "records in Dataverse")
    for name, words in _COUNTS:
        table.add_row(f"{told[name]:,}", words)
    again = f"python -m sync match --pair {told['pair']} --company {told['company']} --apply {told['file']}"
    return Group(
        table,
        "Nothing was written to GP or Dataverse.",
        f"[yellow]→ look through {escape(told['file'])}, decide, then: {escape(again)}[/]",
    )


def applied_json(applied: Applied) -> dict[str, Any]:
    """One object: how many rows were carried out, and why the others were not."""
    names = ("total", "done", "coupled", "new", "before", "refused")
    return {"run": applied.run.id, **{name: getattr(applied, name) for name in names}}


def applied(applied: Applied) -> RenderableType:
    """What was carried out, what not, and where to look on."""
    lines = [
        f"{applied.coupled:,} to be coupled, {applied.new:,} are new ones, {applied.before:,} were done before.",
        *(f"[red]not done[/] {safe(text)}" for text in applied.refused[:MOST_TOLD]),
    ]
    if len(applied.refused) > MOST_TOLD:
        lines.append(f"and {len(applied.refused) - MOST_TOLD:,} more rows, not done")
    if applied.refused:
        lines.append("[yellow]→ make a new report for those[/]")
    lines.append(f"[yellow]→ python -m sync runs show {applied.run.id}   tells what became of them[/]")
    return Group(*lines)


def uncoupled(done: Uncoupled, *, dry_run: bool) -> RenderableType:
    """What was taken apart, and the fields that we had written."""
    name = f"{done.pair}/{done.company}/{safe(done.key)}"
    head = f"{name} and {done.id} {'would be' if dry_run else 'are'} apart. Nothing is deleted."
    if not done.fields:
        return head
    table = plain_table(whole("Field"), "Before", "Now", "")
    for each in done.fields:
        will = each.why_not or ("put back" if done.restored else "can be put back: --restore" if dry_run else "kept")
        table.add_row(each.field, value_text(each.before), value_text(each.now), safe(will))
    return Group(head, table)
