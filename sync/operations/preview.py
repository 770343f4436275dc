"""What a mapping would do to real records, field by field. Reads both sides, and writes nothing anywhere."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched

from sync.flow import Flow
from sync.mapping import Converted, MappedField, Mapping
from sync.message import Message
from sync.planning import Plan
from sync.runtime import Runtime
from sync.sender import KEYS_A_BULK_MESSAGE
from sync.value import Value, same


class Would(StrEnum):
    """What would become of a record."""

    CREATE = "create"
    UPDATE = "update"
    PARK = "park"
    LEAVE = "leave"


class Does(StrEnum):
    """What would become of a field."""

    WRITE = "write"
    KEEP = "keep"
    PARK = "park"


@dataclass(frozen=True)
class FieldPreview:
    """One field: `source` as GP has it, `wanted` as Dataverse would take it, `present` as Dataverse holds it now. A secret
    field has no values here, so that none can be shown.
    """

    field: str
    gp: str
    does: Does
    rule: str
    source: Value = None
    wanted: Value = None
    present: Value = None
    secret: bool = False


@dataclass(frozen=True)
class Preview:
    """One record: what would be done and why; with `code` and `next_step` when it would be parked."""

    pair: str
    company: str
    key: str
    would: Would
    text: str
    id: str
    code: str
    next_step: str
    fields: list[FieldPreview]

    @property
    def writes(self) -> list[str]:
        """The fields that would be written."""
        return [each.field for each in self.fields if each.does is Does.WRITE]


async def preview(
    runtime: Runtime, flow: Flow, company: str, keys: Sequence[str], fields: Sequence[str] = ()
) -> AsyncIterator[Preview]:
    """What the flow would do with these keys now; `fields` as in a backfill of newly mapped fields."""
    mapping = runtime.mappings[flow.pair]
    for some in batched(keys, KEYS_A_BULK_MESSAGE, strict=False):
        message = Message.new(flow.name, company, some, "backfill", fields=fields)
        for plan in await runtime.pipeline.preview(message, flow):
            yield _preview(mapping, plan)


def _preview(mapping: Mapping, plan: Plan) -> Preview:
    couple, target = plan.case.couple, plan.case.target
    return Preview(
        pair=couple.pair,
        company=couple.company,
        key=couple.key,
        would=_would(plan),
        text=plan.text,
        id=target.key if target else "",
        code=plan.error.code if plan.error else "",
        next_step=plan.error.next_step if plan.error else "",
        fields=_fields(mapping, plan),
    )


def _would(plan: Plan) -> Would:
    if plan.error:
        return Would.PARK
    if plan.write:
        return Would.CREATE if plan.write.create else Would.UPDATE
    return Would.LEAVE


def _fields(mapping: Mapping, plan: Plan) -> list[FieldPreview]:
    source = plan.case.source
    if source is None:
        return []
    converted = mapping.convert(source.values, mapping.lookups)
    return [found for each in mapping.fields if (found := _field(each, plan, converted))]


def _field(field: MappedField, plan: Plan, converted: Converted) -> FieldPreview | None:
    """None for a field that its condition leaves out."""
    name, gp = field.name, ", ".join(field.paths)
    problems = [problem.message for problem in converted.problems if problem.field == name]
    if problems:
        return FieldPreview(name, gp, Does.PARK, " ".join(problems), secret=field.secret)
    if name not in converted.fields:
        return None
    halves = converted.fields[name]
    present = plan.case.target.values.get(name) if plan.case.target else None
    does, rule = _does(name, plan, agree=same(halves.target, present))
    if field.secret:
        return FieldPreview(name, gp, does, rule, secret=True)
    return FieldPreview(name, gp, does, rule, halves.source, halves.target, present)


def _does(name: str, plan: Plan, *, agree: bool) -> tuple[Does, str]:
    rules = {change.field: change.rule for change in plan.changes}
    if name in rules:
        return Does.WRITE, rules[name]
    if plan.error:
        return Does.KEEP, "the record would be parked"
    if plan.deferred and name in plan.couple.base:
        return Does.WRITE, "right after the record is created"
    if agree:
        return Does.KEEP, "both agree"
    if name not in plan.couple.base:
        return Does.KEEP, "newly mapped, waits for a backfill"
    return Does.KEEP, "unchanged since both agreed"
