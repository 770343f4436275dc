"""The operator's commands: a table of them, each a thin door on an operation.

People get tables, machines `--json` (one JSON object a line on standard output). Exit status: 0 all is well,
1 something is not well, 2 wrong usage, 3 settings, a right or a mapping must be corrected, 4 a system did not answer.
"""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from sync.cli import coupling, looks, modes, parked, runs, webhooks
from sync.cli.command import Company, Json, execute, installed, tell
from sync.errors import BadSettings
from sync.flow import find_flows
from sync.mapping import load_all
from sync.operations import couple as couple_operation
from sync.operations import describe as describe_operation
from sync.operations import doctor as doctor_operation
from sync.operations import provision as provision_operation
from sync.operations import show as show_operation
from sync.render import record as render_record
from sync.render import tables as render
from sync.runtime import MAPPINGS, Runtime
from sync.stores.couple import NONE

app = typer.Typer(
    help="GP365: keeps Dynamics GP and Dynamics 365 in agreement.",
    no_args_is_help=True,
    add_completion=False,
    # What typer makes of a traceback can show local variables, and so passwords.
    pretty_exceptions_enable=False,
)
app.add_typer(parked.parked_app, name="parked")
app.add_typer(runs.runs_app, name="runs")
app.command()(runs.backfill)
app.command()(modes.pause)
app.command()(modes.resume)
app.command()(modes.modes)
app.command()(looks.preview)
app.command()(looks.observed)
app.command()(webhooks.register)
app.command()(webhooks.unregister)
app.command()(coupling.match)
app.command()(coupling.uncouple)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look at everything GP365 needs, and say what to do about what is not well."""

    async def run(runtime: Runtime) -> int:
        lines = [line async for line in doctor_operation.doctor(runtime)]
        tell(as_json, [asdict(line) for line in lines], lambda: render.checks(lines))
        return 0 if all(line.ok for line in lines) else 1

    execute(run, as_json)


@app.command()
def provision(as_json: Json = False) -> None:
    """Make the columns and keys that the mappings need in Dataverse, and have it track the tables that flows read. What is
    there is left alone.
    """

    async def run(runtime: Runtime) -> int:
        steps = []
        with render.waiting("Looking at Dataverse", quiet=as_json) as say:
            async for step in provision_operation.provision(runtime):
                steps.append(step)
                say(step.what)
        tell(as_json, [asdict(step) for step in steps], lambda: render.steps(steps))
        return 0

    execute(run, as_json)


@app.command()
def poll(company: Company = "", as_json: Json = False) -> None:
    """Look for changes now, instead of waiting for the timers: in GP, and in Dataverse where a flow starts there."""

    async def run(runtime: Runtime) -> int:
        companies = [installed(runtime, company)] if company else runtime.settings.companies
        polled = [await runtime.intake.poll(name) for name in companies]
        caught = [await runtime.catchup.tick(table) for table in runtime.catchup.tables]
        lines = [*map(asdict, polled), *map(asdict, caught)]
        tell(as_json, lines, lambda: render.polled(polled, caught))
        return 0

    execute(run, as_json)


@app.command()
def sweep(company: Company = "", as_json: Json = False) -> None:
    """Go over every record now, instead of around the day: find deletes, late commits and writes left behind."""

    async def run(runtime: Runtime) -> int:
        companies = [installed(runtime, company)] if company else runtime.settings.companies
        sweeps = [runtime.intake.sweep, *([runtime.catchup.sweep] if runtime.catchup.tables else [])]
        swept = [one for name in companies for sweep in sweeps for one in await sweep(name, whole=True)]
        tell(as_json, [asdict(one) for one in swept], lambda: render.swept(swept))
        return 0

    execute(run, as_json)


@app.command()
def alert(
    test: Annotated[bool, typer.Option("--test", help="Send a test message and say what came back.")] = False,
    as_json: Json = False,
) -> None:
    """Tell people now what waits for them, as the timer does: whatever they were not told yet."""

    async def run(runtime: Runtime) -> int:
        if not runtime.alerting.channels:
            raise BadSettings("There is nobody to tell: GP365_ALERTS is empty.", code="setting_missing")
        sent = await (runtime.alerting.test() if test else runtime.alerting.run())
        tell(as_json, [asdict(one) for one in sent], lambda: render.sent(sent))
        return 1 if any(one.error for one in sent) else 0

    execute(run, as_json)


@app.command()
def show(
    record: Annotated[str, typer.Argument(help="PAIR/COMPANY/ID, such as customer/TWO/AARONFIT0001.")],
    as_json: Json = False,
) -> None:
    """Show one record: both ids, the agreed values, and what became of its changes. Exit status 1 while it is parked."""

    async def run(runtime: Runtime) -> int:
        shown = await show_operation.show(runtime, record)
        tell(as_json, [render_record.shown_json(shown)], lambda: render_record.shown(shown))
        return 1 if shown.parked else 0

    execute(run, as_json)


@app.command()
def couple(
    record: Annotated[str, typer.Argument(help="PAIR/COMPANY/ID, such as customer/TWO/AARONFIT0001.")],
    dataverse_id: Annotated[
        UUID | None, typer.Option("--with", help="The id of the Dataverse record that it is.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="It is none of those on the other side: create it.")] = False,
    as_json: Json = False,
) -> None:
    """Say of a record parked as a possible duplicate which one of Dataverse it is, or that it is another one."""

    async def run(runtime: Runtime) -> int:
        if none == (dataverse_id is not None):
            raise typer.BadParameter("say which one: --with ID, or --none")
        done = await couple_operation.couple(runtime, record, str(dataverse_id or NONE))
        tell(as_json, [{"done": done}], lambda: Text(done))
        return 0

    execute(run, as_json)


@app.command()
def describe(flow: Annotated[str, typer.Argument(help="A flow's name; all flows without one.")] = "") -> None:
    """Describe flows as Markdown: what they read and write, field by field. Needs no settings."""
    flows, mappings = find_flows(), load_all(MAPPINGS)
    if flow and flow not in flows:
        raise typer.BadParameter(f"no such flow; there are {', '.join(flows)}")
    for name in [flow] if flow else flows:
        print(describe_operation.describe(flows[name], mappings[flows[name].pair]))


def main() -> None:
    app()
