"""Commands about modes: pause, observe, resume, and what holds now."""

from typing import Annotated

import typer

from sync.cli.command import Json, OneCompany, OneFlow, execute, installed, tell
from sync.operations import modes as operation
from sync.operations.restored import after_restore as begin_anew
from sync.render import modes as render_modes
from sync.render import tables as render
from sync.runtime import Runtime
from sync.stores.modes import Mode

Why = Annotated[str, typer.Option(help="Why: shown to whoever asks, and kept in the alert.")]


def pause(
    company: OneCompany,
    why: Why,
    flow: OneFlow = "",
    observe: Annotated[
        bool,
        typer.Option("--observe", help="Work on, but write nothing: the ledger says what would have been written."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Pause a company or one flow of it: what changes waits, nothing is lost. Workers obey within five seconds."""

    async def run(runtime: Runtime) -> int:
        name = installed(runtime, company)
        _check(runtime, flow)
        holds = await operation.pause(runtime, name, flow, why, observe=observe)
        tell(as_json, [render_modes.as_json(holds)], lambda: render_modes.paused(holds, why))
        return 0

    execute(run, as_json)


def resume(
    company: OneCompany,
    flow: OneFlow = "",
    after_restore: Annotated[
        bool,
        typer.Option(
            "--after-restore",
            help="GP or Dataverse was restored, copied or refreshed, and is the right one as it is now: begin anew with it "
            "and look at every record of both sides.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Let a paused or observed company or flow go on. What was only observed is not written: run `backfill` for that."""

    async def run(runtime: Runtime) -> int:
        name = installed(runtime, company)
        _check(runtime, flow)
        if after_restore:
            with render.waiting(f"Beginning anew with {name}", quiet=as_json) as say:
                done = await begin_anew(runtime, name, say)
            tell(as_json, [render_modes.as_json(done.holds) | {"keys": done.keys}], lambda: render_modes.restored(done))
        else:
            holds = await operation.resume(runtime, name, flow)
            tell(as_json, [render_modes.as_json(holds)], lambda: render_modes.resumed(holds))
        return 0

    if flow and after_restore:
        raise typer.BadParameter("a restore concerns every flow of the company: leave out --flow")
    execute(run, as_json)


def modes(as_json: Json = False) -> None:
    """List which flows are on, observed or paused, and why. Exit status 1 when one is not on."""

    async def run(runtime: Runtime) -> int:
        found = await operation.standing(runtime)
        tell(as_json, [render_modes.as_json(each) for each in found], lambda: render_modes.listed(found))
        return 0 if all(each.mode is Mode.ON for each in found) else 1

    execute(run, as_json)


def _check(runtime: Runtime, flow: str) -> None:
    if flow and flow not in runtime.flows:
        raise typer.BadParameter(f"no such flow; there are {', '.join(runtime.flows)}")
