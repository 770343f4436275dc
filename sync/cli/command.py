"""What every command of the operator shares: its options, running with a runtime, telling people or machines."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from sync.errors import BadSettings, RetryLater, SyncError
from sync.flow import Flow
from sync.gate import PERSON, caller
from sync.render.text import failure
from sync.runtime import Runtime, build
from sync.settings import read_settings

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
Company = Annotated[str, typer.Option(help="Only this company database.")]
OneCompany = Annotated[str, typer.Option("--company", help="The company database.")]
OneFlow = Annotated[str, typer.Option("--flow", help="Only this flow.")]


def execute(work: Callable[[Runtime], Awaitable[int]], as_json: bool) -> None:
    """Run one command; turn what goes wrong into a sentence and an exit status."""
    try:
        status = asyncio.run(_with_runtime(work))
    except SyncError as error:
        if as_json:
            print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
        else:
            Console(stderr=True).print(failure(error))
        status = _status(error)
    raise typer.Exit(status)


def tell(as_json: bool, objects: list[dict[str, Any]], picture: Callable[[], RenderableType]) -> None:
    """The result: one JSON object a line for machines, a picture for people."""
    if as_json:
        for item in objects:
            print(json.dumps(item, default=str, ensure_ascii=False))
    else:
        Console().print(picture())


def installed(runtime: Runtime, company: str) -> str:
    """The company as the settings spell it. Raises BadParameter for one that isn't there."""
    companies = runtime.settings.companies
    if company.upper() not in companies:
        raise typer.BadParameter(f"{company} is none of the companies in GP365_COMPANIES ({', '.join(companies)})")
    return company.upper()


def flows_from_gp(runtime: Runtime, name: str = "") -> list[Flow]:
    """The flows that start in GP, or the one that is named. Raises BadParameter for one that isn't there."""
    flows = {flow.name: flow for flow in runtime.flows.values() if flow.source == "gp"}
    if name and name not in flows:
        raise typer.BadParameter(f"{name} is no flow from GP; there are {', '.join(flows)}")
    return [flows[name]] if name else list(flows.values())


def _status(error: SyncError) -> int:
    if error.code in {"paused", "identity_changed"}:
        return 1
    return 3 if isinstance(error, BadSettings) else 4 if isinstance(error, RetryLater) else 1


async def _with_runtime(work: Callable[[Runtime], Awaitable[int]]) -> int:
    runtime = build(read_settings())
    caller.set(PERSON)
    try:
        return await work(runtime)
    finally:
        await runtime.close()
