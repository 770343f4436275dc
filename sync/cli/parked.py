"""Commands about parked records: list them, try them again, let them go, decide about them."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Literal

import typer

from sync.cli.command import Company, Json, execute, installed, tell
from sync.errors import CODES, Rejected
from sync.operations import given as given_operation
from sync.operations import parked as parked_operation
from sync.operations import resolve as resolve_operation
from sync.operations import show as show_operation
from sync.render import parked as render_parked
from sync.runtime import Runtime
from sync.stores.parked import Parked

parked_app = typer.Typer(help="Records that a person must look at.", no_args_is_help=True)

Key = Annotated[str, typer.Option("--record", help="Only this record, as PAIR/COMPANY/ID.")]
Code = Annotated[str, typer.Option("--code", help="Only this cause, such as lookup_missing.")]


@parked_app.command("list")
def parked_list(
    company: Company = "",
    record: Key = "",
    code: Code = "",
    one_by_one: Annotated[
        bool, typer.Option("--all", help="Every record by itself, as with --record or --code.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what waits for a person, by cause: how many records, since when, and what to do. --json tells every record."""

    async def run(runtime: Runtime) -> int:
        entries = await _selected(runtime, company, record, code)
        single = one_by_one or bool(record or code)
        groups = parked_operation.by_cause(entries)
        picture = partial(render_parked.parked, entries) if single else partial(render_parked.causes, groups)
        tell(as_json, [asdict(entry) for entry in entries], picture)
        return 0

    execute(run, as_json)


@parked_app.command("retry")
def parked_retry(company: Company = "", record: Key = "", code: Code = "", as_json: Json = False) -> None:
    """Try parked records again, after their cause was corrected; all of them, unless told which."""

    async def run(runtime: Runtime) -> int:
        entries = await _selected(runtime, company, record, code)
        sent, refused = await parked_operation.retry(runtime, entries)
        objects = [*map(asdict, sent), *({"error": error.as_dict()} for error in refused)]
        tell(as_json, objects, lambda: render_parked.retried(sent, refused))
        return 0 if sent and not refused else 1

    execute(run, as_json)


@parked_app.command("discard")
def parked_discard(
    why: Annotated[str, typer.Option(help="Why it may be let go: kept in the ledger.")],
    company: Company = "",
    record: Key = "",
    code: Code = "",
    as_json: Json = False,
) -> None:
    """Let parked records go. Their next change is worked as ever."""

    async def run(runtime: Runtime) -> int:
        entries = await _chosen(runtime, company, record, code)
        done = [entry async for entry in parked_operation.discard(runtime, entries, why)]
        tell(as_json, [asdict(entry) for entry in done], lambda: render_parked.counted("discarded", done))
        return 0 if done else 1

    execute(run, as_json)


@parked_app.command("resolve")
def parked_resolve(
    take: Annotated[
        Literal["gp", "d365", "value"],
        typer.Option(
            help="Whose values hold: gp, or d365, which also approves what it asks for; or a value of its own, by --value."
        ),
    ],
    value: Annotated[
        list[str] | None,
        typer.Option(help="With --take value: ATTRIBUTE=VALUE, for both sides; may be repeated. The rest is d365's."),
    ] = None,
    company: Company = "",
    record: Key = "",
    code: Code = "",
    as_json: Json = False,
) -> None:
    """Decide about records whose two sides differ, or that wait for approval. They are worked again at once."""

    async def run(runtime: Runtime) -> int:
        entries = await _chosen(runtime, company, record, code)
        if take == "value":
            done, refused = await _by_value(runtime, entries, value or [])
        else:
            done, refused = await resolve_operation.resolve(runtime, entries, take)
        objects = [*map(asdict, done), *({"error": error.as_dict()} for error in refused)]
        tell(as_json, objects, lambda: render_parked.retried(done, refused))
        return 0 if done and not refused else 1

    execute(run, as_json)


async def _by_value(runtime: Runtime, entries: list[Parked], given: list[str]) -> tuple[list[Parked], list[Rejected]]:
    """Give one record the values that a person typed."""
    values = dict(text.split("=", maxsplit=1) for text in given if "=" in text)
    if len(entries) != 1 or not values or len(values) != len(given):
        raise typer.BadParameter("name one record and what it gets: --record PAIR/COMPANY/ID --value name='Foo AS'")
    try:
        await given_operation.give(runtime, entries[0], values)
    except Rejected as error:
        return [], [error]
    return entries, []


async def _chosen(runtime: Runtime, company: str, record: str, code: str) -> list[Parked]:
    """Parked records that a person named, and not simply all of them."""
    if not (company or record or code):
        raise typer.BadParameter("say which: --company, --record or --code")
    return await _selected(runtime, company, record, code)


async def _selected(runtime: Runtime, company: str, record: str, code: str) -> list[Parked]:
    pair, key = "", ""
    if record:
        pair, company, key = show_operation.parse_record(runtime, record)
    elif company:
        company = installed(runtime, company)
    if code and code not in CODES:
        raise typer.BadParameter(f"{code} is no cause; they are listed in docs/reference/errors.md")
    return await parked_operation.select(runtime, company=company, pair=pair, key=key, code=code)
