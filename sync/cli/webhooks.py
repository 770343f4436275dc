"""Commands that register the app's webhooks in Dynamics 365, and take them away."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

import typer

from sync.cli.command import Json, execute, tell
from sync.operations import register as operation
from sync.render import tables as render
from sync.runtime import Runtime
from sync.systems.dataverse.registration import Done

Dry = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]


def register(
    dry_run: Dry = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Write the secret and the key anew, even where they seem to be there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Register the app's webhooks in Dynamics 365: a service endpoint, and steps on the tables that flows start at. What is
    there as wanted is left alone; so is what others made.
    """

    async def run(runtime: Runtime) -> int:
        return await _tell(operation.register(runtime, dry=dry_run, rotate=rotate), dry_run, as_json)

    execute(run, as_json)


def unregister(dry_run: Dry = False, as_json: Json = False) -> None:
    """Take the app's webhooks out of Dynamics 365. Changes are then seen by the catch-up only."""

    async def run(runtime: Runtime) -> int:
        return await _tell(operation.unregister(runtime, dry=dry_run), dry_run, as_json)

    execute(run, as_json)


async def _tell(work: AsyncIterator[Done], dry: bool, as_json: bool) -> int:
    found = []
    with render.waiting("Looking at Dynamics 365", quiet=as_json) as say:
        async for done in work:
            found.append(done)
            say(done.what)
    tell(as_json, [asdict(done) for done in found], lambda: render.registered(found, dry))
    return 0
