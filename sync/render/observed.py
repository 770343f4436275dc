"""How the report on an observed flow looks to people."""

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from sync.operations.observed import FieldCount, Observed
from sync.render.text import moment, number, plain_table, safe, value_text, whole
from sync.value import to_json


def pictured(report: Observed) -> RenderableType:
    since = f"since {moment(report.since)[:16]} UTC"
    if not report.records:
        advice = (
            f"\n[yellow]→ python -m sync pause --company {report.company} --flow {report.flow} --observe --why ...[/]"
        )
        return f"Nothing of {report.flow} {report.company} was observed {since}.{'' if report.observing else advice}"
    state = "is observed" if report.observing else "was observed"
    head = f"[bold]{report.flow} {report.company}[/] {state} {since}: {report.records:,} records. Nothing was written."
    return Group(head, "", _numbers(report), *_fields(report), *_causes(report))


def as_json(report: Observed) -> dict[str, Any]:
    """One object a flow."""
    fields = {
        name: {
            "count": each.count,
            "examples": [{"key": key, "old": to_json(old), "new": to_json(new)} for key, old, new in each.examples],
        }
        for name, each in report.fields.items()
    }
    return {**asdict(report), "fields": fields, "parked": report.parked, "records": report.records}


def _numbers(report: Observed) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    for count, what in (
        (report.created, "would be created"),
        (report.updated, "would be updated"),
        (report.parked, "would be parked"),
        (report.agreed, "agree, or need nothing"),
    ):
        table.add_row(f"[red]{count:,}[/]" if count and what == "would be parked" else f"{count:,}", what)
    return table


def _fields(report: Observed) -> list[RenderableType]:
    if not report.fields:
        return []
    table = plain_table(number("Records"), whole("Field"), "For example", title="Fields that would be updated")
    for name, each in sorted(report.fields.items(), key=lambda item: -item[1].count):
        table.add_row(f"{each.count:,}", name, _examples(each))
    return ["", table]


def _examples(counted: FieldCount) -> str:
    return "\n".join(f"[dim]{safe(key)}[/] {value_text(old)} → {value_text(new)}" for key, old, new in counted.examples)


def _causes(report: Observed) -> list[RenderableType]:
    if not report.causes:
        return []
    table = plain_table(number("Records"), "Cause, and what to do", whole("Such as"), title="Would be parked")
    for code, each in sorted(report.causes.items(), key=lambda item: -item[1].count):
        what = f"[red]{code}[/]\n{safe(each.meaning)}\n[yellow]→ {safe(each.next_step)}[/]"
        table.add_row(f"{each.count:,}", what, "\n".join(map(safe, each.examples)))
    return ["", table]
