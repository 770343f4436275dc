"""Describes a flow for people: what it reads, what it writes, field by field. The source is the mapping itself."""

from sync.convert import MappedField
from sync.flow import Flow
from sync.mapping import Mapping


def describe(flow: Flow, mapping: Mapping) -> str:
    """A flow as a Markdown page."""
    gp, dataverse = mapping.rules.gp, mapping.rules.dataverse
    feeds = ", ".join(sorted({feed.table for feed in mapping.feeds()}))
    lines = [
        f"# {flow.name}",
        "",
        f"From `{flow.source}` to `{flow.target}`: `{gp.entity}` ({gp.table}, key {gp.key}) and `{dataverse.entity}`.",
        "",
        f"- Changes are seen in: {feeds}",
        f"- Lanes: `{flow.lane}`, `{flow.bulk_lane}`",
        f"- A record deleted in the source: {mapping.on_delete}",
        f"- Columns of our own: {', '.join(f'`{name}`' for name in dataverse.columns)}",
        "",
        "| Dataverse | GP | Made by | Rules |",
        "|---|---|---|---|",
        *(_field(field) for field in mapping.fields),
        *_lookups(mapping),
    ]
    return "\n".join(lines) + "\n"


def _field(field: MappedField) -> str:
    rule = field.rule
    made = rule.converter or ("expression" if rule.expr else "as it is")
    if rule.lookup:
        made = f"look-up `{rule.lookup}`"
    rules = [
        "required" if rule.required else "",
        "one way" if field.one_way else f"owner {rule.owner}",
        f"only when `{rule.when}`" if rule.when else "",
        "secret" if rule.secret else "",
        f"too long: {rule.too_long}" if rule.too_long else "",
    ]
    return f"| `{field.name}` | {', '.join(field.paths)} | {made} | {'; '.join(filter(None, rules))} |"


def _lookups(mapping: Mapping) -> list[str]:
    lines = []
    for name, table in mapping.rules.lookups.items():
        lines += ["", f"## Look-up `{name}`", "", "| GP | Dataverse |", "|---|---|"]
        lines += [f"| {code} | {value} |" for code, value in table.items()]
    return lines
