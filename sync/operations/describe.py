"""Describes a flow for people: what it reads, what it writes, field by field. The source is the mapping itself."""

from sync.convert import MappedField
from sync.flow import Flow
from sync.mapping import Mapping
from sync.mapping_model import Edits, Ids, Side

_SIDES: dict[Side, str] = {"gp": "GP", "d365": "Dataverse"}
_EDITS: dict[Edits, str] = {
    "revert": "edits elsewhere are put right",
    "leave": "edits elsewhere are left",
    "request": "edits elsewhere are requests",
}
_APPROVALS = {
    "create": "before GP gets a new record",
    "always": "before anything is written to GP",
    "never": "is not asked for",
}


def describe(flow: Flow, mapping: Mapping) -> str:
    """A flow as a Markdown page."""
    gp, dataverse = mapping.rules.gp, mapping.rules.dataverse
    lines = [
        f"# {flow.name}",
        "",
        f"From `{flow.source}` to `{flow.target}`: `{gp.entity}` ({gp.table}, key {', '.join(gp.key)}) and `{dataverse.entity}`.",
        "",
        *([] if mapping.rules.enabled else ["- Switched off, until an overlay of the mapping says `enabled: true`"]),
        *(_from_gp(mapping) if flow.source == "gp" else _from_dataverse(mapping)),
        *_parent(mapping),
        f"- Lanes: `{flow.lane}`, `{flow.bulk_lane}`",
        f"- Columns of our own: {', '.join(f'`{name}`' for name in dataverse.columns)}",
        "",
        "| Dataverse | GP | Made by | Rules |",
        "|---|---|---|---|",
        *(_field(field) for field in mapping.fields),
        *_lookups(mapping),
    ]
    return "\n".join(lines) + "\n"


def _from_gp(mapping: Mapping) -> list[str]:
    feeds = ", ".join(sorted({feed.table for feed in mapping.feeds()}))
    return [
        f"- Changes are seen in: {feeds}",
        f"- A record deleted in the source: {mapping.rules.on_delete.gp}",
        *(["- Another person's name is not taken over unasked"] if mapping.rules.person else []),
    ]


def _from_dataverse(mapping: Mapping) -> list[str]:
    rules = mapping.rules
    return [
        f"- Changes are seen by: webhooks and change tracking of `{rules.dataverse.entity}`",
        f"- Which records: {f'`{rules.scope}`' if rules.scope else 'all'}; one that is coupled goes on taking part",
        f"- Their company: by `{rules.dataverse.key}`, else {_company(mapping)}",
        f"- A person's yes: {_APPROVALS[rules.approve]}",
        f"- Ids of new records: {_above(mapping)}{_ids(rules.ids or Ids())}",
        f"- A record deleted in the source: {rules.on_delete.d365}",
    ]


def _company(mapping: Mapping) -> str:
    if mapping.parent:
        return f"that of their {mapping.parent.entity}"
    return f"`{mapping.rules.company}`" if mapping.rules.company else "the only one"


def _above(mapping: Mapping) -> str:
    return f"the {mapping.parent.pair}'s, and " if mapping.parent else ""


def _parent(mapping: Mapping) -> list[str]:
    parent = mapping.parent
    if parent is None:
        return []
    lines = [f"- Each belongs to a {parent.pair}, by `{parent.dataverse}`, and comes after it"]
    if link := parent.link:
        lines.append(f"- Becomes its `{link.dataverse}`, where that is empty: if `{link.when}`")
    return lines


def _ids(ids: Ids) -> str:
    match ids.by:
        case "name":
            return f"{ids.letters} letters of `{ids.attribute}` and a counter of {ids.digits} digits"
        case "number":
            return f"`{ids.attribute}`"
        case _:
            return f"`{ids.expr}`"


def _field(field: MappedField) -> str:
    rule = field.rule
    made = rule.converter or ("expression" if rule.expr else "as it is")
    if rule.lookup:
        made = f"look-up `{rule.lookup}`"
    rules = [
        "required" if rule.required else "",
        f"from {_SIDES[field.side]} only, {_EDITS[field.edits]}"
        if field.side and field.edits
        else f"both ways, owner {rule.owner}",
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
