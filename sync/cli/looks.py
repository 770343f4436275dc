"""Commands that look before anything is written: what would be done to real records, and what an observed flow would
have done.
"""

from typing import Annotated

import typer
from rich.console import Group

from sync.cli.command import Company, Json, OneCompany, OneFlow, execute, flows_from_gp, installed, tell
from sync.flow import Flow
from sync.operations import observed as observed_operation
from sync.operations import preview as operation
from sync.operations.show import parse_record
from sync.render import observed as render_observed
from sync.render import preview as render_preview
from sync.runtime import Runtime

COUNT = 20


def preview(
    records: Annotated[
        list[str] | None,
        typer.Argument(help="PAIR/COMPANY/ID, such as customer/TWO/AARONFIT0001; else the first ones."),
    ] = None,
    company: Company = "",
    flow: OneFlow = "",
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many records, when none is named.")] = COUNT,
    field: Annotated[
        list[str] | None, typer.Option("--field", help="As a backfill of this newly mapped field; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what the mapping would do to real records, field by field, and what would be parked. Writes nothing."""

    async def run(runtime: Runtime) -> int:
        wanted = await _wanted(runtime, records or [], company, flow, count)
        found = [
            each
            for (one, where), keys in wanted.items()
            async for each in operation.preview(runtime, one, where, keys, field or ())
        ]
        tell(as_json, [render_preview.as_json(each) for each in found], lambda: render_preview.pictures(found))
        return 0

    execute(run, as_json)


def observed(company: OneCompany, flow: OneFlow = "", as_json: Json = False) -> None:
    """Report what an observed flow would have created, updated and parked so far, field by field and cause by cause."""

    async def run(runtime: Runtime) -> int:
        where = installed(runtime, company)
        found = [await observed_operation.observed(runtime, each, where) for each in flows_from_gp(runtime, flow)]
        objects = [render_observed.as_json(each) for each in found]
        tell(as_json, objects, lambda: Group(*map(render_observed.pictured, found)))
        return 0

    execute(run, as_json)


async def _wanted(
    runtime: Runtime, records: list[str], company: str, flow: str, count: int
) -> dict[tuple[Flow, str], list[str]]:
    """The keys to look at, by flow and company: those named, or the first ones."""
    flows = flows_from_gp(runtime, flow)
    wanted: dict[tuple[Flow, str], list[str]] = {}
    if not records:
        where = installed(runtime, company) if company else runtime.settings.companies[0]
        for each in flows:
            wanted[each, where] = await runtime.gp.keys(where, runtime.mappings[each.pair], "", count)
    for record in records:
        pair, where, key = parse_record(runtime, record)
        for each in flows:
            if each.pair == pair:
                wanted.setdefault((each, where), []).append(key)
    return wanted
