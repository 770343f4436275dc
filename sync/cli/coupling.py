"""Commands that say which records of two populated sides are the same, and take them apart again."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.command import Company, Json, execute, installed, tell
from sync.operations import match as match_operation
from sync.operations import match_apply as apply_operation
from sync.operations import uncouple as uncouple_operation
from sync.operations.match_apply import Applied
from sync.render import coupling as render
from sync.runtime import Runtime

Pair = Annotated[str, typer.Option("--pair", help="Which pair of entities.")]


def match(
    pair: Pair = "customer",
    company: Company = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the report goes: a .xlsx, or a .csv.", dir_okay=False)
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option("--decisions", help="An earlier report, to take its decisions over.", exists=True)
    ] = None,
    apply: Annotated[
        Path | None, typer.Option("--apply", help="Do what was decided in this report.", exists=True, dir_okay=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two populated sides and write a report of who is who, and nothing else; --apply couples what was decided in it.
    Exit status 1 when a row could not be applied."""

    async def run(runtime: Runtime) -> int:
        if pair not in runtime.mappings:
            raise typer.BadParameter(f"{pair} is no pair; there are {', '.join(runtime.mappings)}")
        name = _one_company(runtime, company)
        if apply:
            return await _apply(runtime, pair, name, apply, as_json)
        return await _report(runtime, pair, name, out, decisions, as_json)

    execute(run, as_json)


def uncouple(
    record: Annotated[str, typer.Argument(help="PAIR/COMPANY/ID, such as customer/TWO/AARONFIT0001.")],
    restore: Annotated[
        bool, typer.Option("--restore", help="Put back what the account held before, where nobody changed it since.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what could be put back.")] = False,
    as_json: Json = False,
) -> None:
    """Take a record and its counterpart apart. Nothing is deleted; both wait until a person says who they are."""

    async def run(runtime: Runtime) -> int:
        done = await uncouple_operation.uncouple(runtime, record, restore=restore, dry_run=dry_run)
        tell(as_json, [asdict(done)], lambda: render.uncoupled(done, dry_run=dry_run))
        return 0

    execute(run, as_json)


async def _report(
    runtime: Runtime, pair: str, company: str, out: Path | None, decisions: Path | None, as_json: bool
) -> int:
    path = out or Path(f"match-{pair}-{company}-{datetime.now(UTC):%Y%m%d-%H%M}.xlsx")
    if path.suffix.lower() not in {".xlsx", ".csv"}:
        raise typer.BadParameter(f"{path.name}: a report is a .xlsx or a .csv")
    before = match_operation.decisions_of(decisions) if decisions else {}
    report = match_operation.Match(runtime, runtime.mappings[pair], company, path, before)
    with render.bar(quiet=as_json) as move:
        async for step in report.run():
            move(step)
    told = {"pair": pair, "company": company, "file": str(path), **asdict(report.counts)}
    tell(as_json, [told], lambda: render.reported(told))
    return 0


async def _apply(runtime: Runtime, pair: str, company: str, path: Path, as_json: bool) -> int:
    mapping = runtime.mappings[pair]
    answers = await apply_operation.answers_of(runtime, mapping, company, path)
    applied: Applied | None = None
    with render.bar(quiet=as_json) as move:
        async for applied in apply_operation.apply(runtime, mapping, company, answers):
            move(match_operation.Step("applying", applied.done, applied.total))
    assert applied is not None
    last = applied
    tell(as_json, [render.applied_json(last)], lambda: render.applied(last))
    return 1 if last.refused else 0


def _one_company(runtime: Runtime, company: str) -> str:
    if company:
        return installed(runtime, company)
    if len(runtime.settings.companies) > 1:
        raise typer.BadParameter(f"say which company: --company {'|'.join(runtime.settings.companies)}")
    return runtime.settings.companies[0]
