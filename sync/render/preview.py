"""How a preview looks to people: every field of one record, or one line a record and what it comes to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType

from sync.operations.preview import Does, FieldPreview, Preview, Would
from sync.render.text import is_told, more_empty, plain_table, safe, value_text, whole
from sync.value import to_json

_COLOURS = {Would.CREATE: "green", Would.UPDATE: "green", Would.PARK: "red", Would.LEAVE: "dim"}
_SIGNS = {Does.WRITE: "[green]→[/]", Does.KEEP: " ", Does.PARK: "[red]✗[/]"}
_DO = {
    Would.CREATE: "would be created",
    Would.UPDATE: "would be updated",
    Would.PARK: "would be parked",
    Would.LEAVE: "would be left as they are",
}
FEW = 3
"""Up to this many records are shown field by field."""


def pictures(previews: Sequence[Preview]) -> RenderableType:
    if not previews:
        return "[yellow]GP holds no such record.[/]"
    if len(previews) <= FEW:
        return Group(*(part for each in previews for part in (_whole(each), "")), *_total(previews))
    return Group(_overview(previews), "", *_total(previews))


def as_json(preview: Preview) -> dict[str, Any]:
    """One object a record, its fields with all values; secrets masked."""
    return {**asdict(preview), "fields": [_field_json(each) for each in preview.fields]}


def _whole(preview: Preview) -> RenderableType:
    table = plain_table("", whole("Field"), "GP", "In GP", "Would be", "Is now", "Why")
    told = [each for each in preview.fields if _is_told(each)]
    for each in told:
        table.add_row(
            _SIGNS[each.does],
            each.field,
            each.gp,
            *_values(each),
            safe(each.rule),
        )
    rest = len(preview.fields) - len(told)
    return Group(_title(preview), *([table] if told else []), *more_empty(rest))


def _values(field: FieldPreview) -> tuple[str, ...]:
    """As GP has it, as Dataverse would take it, as it is there; what can't be converted is quoted in the cause."""
    if field.does is Does.PARK:
        return "", "", ""
    return tuple(value_text(value, field.secret) for value in (field.source, field.wanted, field.present))


def _title(preview: Preview) -> str:
    name = f"{preview.pair}/{preview.company}/{safe(preview.key)}"
    account = f" [dim]{preview.id}[/]" if preview.id else ""
    why = f": {safe(preview.text)}" if preview.text else ""
    step = f"\n[yellow]→ {safe(preview.next_step)}[/]" if preview.next_step else ""
    return f"[bold]{name}[/]{account}\n[{_COLOURS[preview.would]}]{preview.would}[/]{why}{step}"


def _overview(previews: Sequence[Preview]) -> RenderableType:
    table = plain_table(whole("Record"), "Would", "What, or why")
    for each in previews:
        name = f"{each.pair}/{each.company}/{safe(each.key)}"
        table.add_row(name, f"[{_COLOURS[each.would]}]{each.would}[/]", _what(each))
    return table


def _what(preview: Preview) -> str:
    if preview.would is Would.CREATE:
        filled = sum(_is_told(each) for each in preview.fields)
        return f"{filled} fields filled"
    if preview.would is Would.UPDATE:
        return ", ".join(preview.writes) or safe(preview.text)
    return f"{preview.code}: {safe(preview.text)}" if preview.code else safe(preview.text)


def _total(previews: Sequence[Preview]) -> list[str]:
    if len(previews) <= FEW:
        return ["Nothing was written."]
    would = Counter(each.would for each in previews)
    told = ", ".join(f"{would[each]:,} {_DO[each]}" for each in Would if would[each])
    lines = [f"Of {len(previews):,} records {told}. Nothing was written."]
    causes = Counter(each.code for each in previews if each.code)
    if causes:
        lines.append(f"Causes: {', '.join(f'{count:,} {code}' for code, count in causes.most_common())}.")
    return lines


def _is_told(field: FieldPreview) -> bool:
    return field.does is Does.PARK or field.secret or is_told(field.source, field.wanted, field.present)


def _field_json(field: FieldPreview) -> dict[str, Any]:
    values = {
        name: "***" if field.secret else to_json(getattr(field, name)) for name in ("source", "wanted", "present")
    }
    return {**asdict(field), **values}
