"""What the admin door of the GP stand-in adds: seed, look, edit, change tracking."""

import asyncio
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.gp.load import add_customers, refresh_statistics, rows_examined
from sandbox.gp.logins import COMPANIES
from sandbox.gp.procedures.customers import normalising_post
from sandbox.gp.tables import SYSTEM
from sandbox.tds.contract import SqlError

if TYPE_CHECKING:
    from sandbox.gp.server import GpServer


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeedAsked(_Asked):
    company: Literal[COMPANIES]
    customers: int = Field(ge=1, le=1_000_000)
    seed: int = 1


class SqlAsked(_Asked):
    database: str = SYSTEM
    sql: str


class TrackingAsked(_Asked):
    database: str
    table: str | None = None
    enabled: bool


class DatabaseAsked(_Asked):
    database: str


class ClockAsked(_Asked):
    ahead: float = Field(ge=-86_400, le=86_400, description="seconds ahead of the real clock")


class NormalisingAsked(_Asked):
    company: Literal[COMPANIES]
    enabled: bool


def add(routes: web.RouteTableDef, server: "GpServer") -> None:
    """Add the routes; `docs/reference/sandbox-gp.md` lists them. An SQL error is status 400 with number and text."""
    engine = server.engine

    @routes.post("/seed")
    async def seed_customers(request: web.Request) -> web.Response:
        def work(asked: SeedAsked) -> object:
            add_customers(engine, asked.company, asked.customers, asked.seed)
            return {}

        return await _answer(request, SeedAsked, work)

    @routes.post("/statistics")
    async def refresh(_: web.Request) -> web.Response:
        await asyncio.to_thread(refresh_statistics, engine)
        return web.json_response({})

    @routes.get("/rows-examined")
    async def examined(_: web.Request) -> web.Response:
        return web.json_response({"rows": await asyncio.to_thread(rows_examined, engine)})

    @routes.post("/sql")
    async def run_sql(request: web.Request) -> web.Response:
        def work(asked: SqlAsked) -> object:
            with server.connect(asked.database) as admin:
                results = admin.run(asked.sql)
            return {"results": [{"columns": result.columns, "rows": result.rows} for result in results]}

        return await _answer(request, SqlAsked, work)

    @routes.post("/change-tracking")
    async def switch(request: web.Request) -> web.Response:
        def work(asked: TrackingAsked) -> object:
            engine.set_change_tracking(asked.database, asked.table, asked.enabled)
            return {}

        return await _answer(request, TrackingAsked, work)

    @routes.post("/change-tracking/clean")
    async def clean(request: web.Request) -> web.Response:
        def work(asked: DatabaseAsked) -> object:
            engine.clean_change_tracking(asked.database)
            return {}

        return await _answer(request, DatabaseAsked, work)

    @routes.post("/clock")
    async def set_clock(request: web.Request) -> web.Response:
        def work(asked: ClockAsked) -> object:
            engine.set_clock(asked.ahead)
            return {}

        return await _answer(request, ClockAsked, work)

    @routes.post("/normalising-post")
    async def normalise(request: web.Request) -> web.Response:
        def work(asked: NormalisingAsked) -> object:
            server.catalogs[asked.company].add_procedure(normalising_post(enabled=asked.enabled))
            return {}

        return await _answer(request, NormalisingAsked, work)

    @routes.post("/restore-point")
    async def save(_: web.Request) -> web.Response:
        await asyncio.to_thread(server.save_restore_point)
        return web.json_response({})

    @routes.post("/restore")
    async def restore(_: web.Request) -> web.Response:
        try:
            await asyncio.to_thread(server.restore)
        except FileNotFoundError:
            return web.json_response({"error": "no restore point was saved"}, status=409)
        return web.json_response({})


async def _answer[T: BaseModel](request: web.Request, kind: type[T], work: Callable[[T], object]) -> web.Response:
    try:
        asked = kind.model_validate_json(await request.read())
        done = await asyncio.to_thread(work, asked)
    except ValidationError as error:
        return web.json_response({"error": str(error)}, status=400)
    except SqlError as error:
        return web.json_response({"error": error.text, "number": error.number}, status=400)
    return web.json_response(done, dumps=lambda value: json.dumps(value, default=_plain))


def _plain(value: object) -> object:
    """Numbers as exact text, times in ISO form, bytes in hexadecimal."""
    match value:
        case Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
    raise TypeError(type(value).__name__)
