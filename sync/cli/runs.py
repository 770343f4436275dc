"""Commands about many records: a backfill, and the runs there were."""

from typing import Annotated

import typer
from rich.console import Console

from sync.cli.command import Json, OneCompany, OneFlow, execute, flows_from_gp, installed, tell
from sync.errors import Rejected
from sync.flow import Flow
from sync.message import MAX_FIELDS
from sync.operations import backfill as operation
from sync.operations.backfill import Progress
from sync.render import runs as render_runs
from sync.runtime import Runtime
from sync.stores.runs import Run

INTERRUPTED = 130

runs_app = typer.Typer(help="Backfills and other work over many records.", no_args_is_help=True)

Fields = Annotated[
    list[str] | None,
    typer.Option("--field", help="Only this newly mapped field of records that are coupled already; may be repeated."),
]


def backfill(
    company: OneCompany,
    flow: OneFlow = "",
    field: Fields = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew instead of where it stopped.")] = False,
    without_match: Annotated[
        bool,
        typer.Option("--without-match", help="Also where Dynamics 365 holds records, and nobody has said who is who."),
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Only send; don't wait for the records to be done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send every record of GP to Dynamics 365. Interrupted, the same command goes on where it stopped. Exit status 1 when
    records are parked."""

    async def run(runtime: Runtime) -> int:
        name = installed(runtime, company)
        flows = flows_from_gp(runtime, flow)
        fields = sorted(set(field or ()))
        for each in flows:
            _check_fields(runtime, each, fields)
        ended = []
        for each in flows:
            begun = await operation.begin(runtime, name, each, fields, restart=restart, without_match=without_match)
            ended.append(await _one(runtime, begun, not no_wait, as_json))
        return 1 if any(progress.counts.get("parked") for progress in ended) else 0

    try:
        execute(run, as_json)
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted. The same command goes on where it stopped.")
        raise typer.Exit(INTERRUPTED) from None


async def _one(runtime: Runtime, begun: Run, wait: bool, as_json: bool) -> Progress:
    progress = Progress(begun, {})
    with render_runs.bar(f"{begun.flow} {begun.company}", quiet=as_json) as move:
        async for progress in operation.backfill(runtime, begun, wait=wait):
            move(progress)
    last = progress
    tell(as_json, [render_runs.as_json(last)], lambda: render_runs.summary(last))
    return last


@runs_app.command("list")
def runs_list(as_json: Json = False) -> None:
    """List all runs, newest first, and where each stands."""

    async def run(runtime: Runtime) -> int:
        found = [await operation.progress_of(runtime.runs, each) for each in await runtime.runs.list()]
        tell(as_json, [render_runs.as_json(each) for each in found], lambda: render_runs.listed(found))
        return 0

    execute(run, as_json)


@runs_app.command("show")
def runs_show(
    name: Annotated[str, typer.Argument(metavar="RUN", help="Its name, as `runs list` tells it.")],
    as_json: Json = False,
) -> None:
    """Show one run: what it is about, where it stands, and what became of its records."""

    async def run(runtime: Runtime) -> int:
        found = await runtime.runs.get(name)
        if found is None:
            raise Rejected(f"There is no run {name}.", code="unknown_run")
        progress = await operation.progress_of(runtime.runs, found)
        tell(as_json, [render_runs.as_json(progress)], lambda: render_runs.shown(progress))
        return 0

    execute(run, as_json)


def _check_fields(runtime: Runtime, flow: Flow, fields: list[str]) -> None:
    known = runtime.mappings[flow.pair].fields_by_name
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise typer.BadParameter(f"{flow.pair}.yaml maps no field {', '.join(unknown)}")
    if len(fields) > MAX_FIELDS:
        raise typer.BadParameter(f"at most {MAX_FIELDS} fields at once")
