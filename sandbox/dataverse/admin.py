"""The Dataverse part of the admin door: seed and view rows, switches, plug-ins, privileges, history."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import simplejson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.dataverse import seed
from sandbox.dataverse.changes import FLOOR
from sandbox.dataverse.courier import Hosts
from sandbox.dataverse.environment import Environment, Rule
from sandbox.dataverse.errors import DataverseError, no_such_row
from sandbox.dataverse.hooks import Hooks
from sandbox.dataverse.jobs import Jobs
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row
from sandbox.dataverse.transactions import Transactions
from sandbox.door import Door


class _Privileges(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lacks: list[str]


@dataclass(frozen=True)
class Backstage:
    """What the door can reach: the environment, its writes, its webhooks and the network they go through."""

    env: Environment
    transactions: Transactions
    hooks: Hooks
    jobs: Jobs
    network: Hosts


def add_routes(door: Door, backstage: Backstage) -> None:
    """Add `POST /seed`, `GET /rows/{set}`, `PATCH|DELETE /rows/{set}/{id}`, `POST /copies/{name}[/restore]`,
    `GET|PATCH /switches`, `GET|PUT /plugins`, `GET|PUT /privileges`, `POST /changes/clean`, `GET|PUT /hosts`."""
    admin = _Admin(backstage)
    for method, path, handler in (
        ("POST", "/seed", admin.seed),
        ("GET", "/rows/{set}", admin.rows),
        ("PATCH", "/rows/{set}/{id}", admin.edit),
        ("DELETE", "/rows/{set}/{id}", admin.remove),
        ("POST", "/copies/{name}", admin.save),
        ("POST", "/copies/{name}/restore", admin.restore),
        ("GET", "/switches", admin.switches),
        ("PATCH", "/switches", admin.switch),
        ("GET", "/plugins", admin.plugins),
        ("PUT", "/plugins", admin.set_plugins),
        ("GET", "/privileges", admin.privileges),
        ("PUT", "/privileges", admin.set_privileges),
        ("POST", "/changes/clean", admin.clean),
        ("GET", "/hosts", admin.hosts),
        ("PUT", "/hosts", admin.set_hosts),
    ):
        door.routes.route(method, path)(_guarded(handler))


def _guarded(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def guarded(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except DataverseError as error:
            return web.json_response(error.body(), status=400)
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return guarded


class _Admin:
    def __init__(self, backstage: Backstage) -> None:
        self.env, self.backstage = backstage.env, backstage
        self.run = backstage.transactions.run

    def _table(self, name: str) -> Table:
        table = self.env.schema.entity_set(name)
        if table is None:
            raise ValueError(f"no entity set '{name}'")
        return table

    async def seed(self, request: web.Request) -> web.Response:
        """Body `{"set": "accounts", "rows": [...]}`, rows as a client would POST them."""
        # The body is read from the stream because the door's application takes only 1 MiB otherwise.
        body = simplejson.loads(await request.content.read(), use_decimal=True)
        ids = await self.run(lambda: seed.insert(self.env, self._table(body["set"]), body["rows"]))
        return web.json_response({"ids": ids}, status=201)

    async def rows(self, request: web.Request) -> web.Response:
        rows = seed.stored_rows(self.env, self._table(request.match_info["set"]))
        return web.json_response(rows)

    async def edit(self, request: web.Request) -> web.Response:
        """Change a row as SYSTEM: somebody else than the application."""
        table, row = self._row(request)
        values = simplejson.loads(await request.text(), use_decimal=True)
        await self.run(lambda: seed.edit(self.env, table, row, values))
        return web.json_response({})

    async def remove(self, request: web.Request) -> web.Response:
        table, row = self._row(request)
        await self.run(lambda: seed.edit(self.env, table, row, None))
        return web.json_response({})

    def _row(self, request: web.Request) -> tuple[Table, Row]:
        table = self._table(request.match_info["set"])
        row = self.env.store.get(table, request.match_info["id"])
        if row is None:
            raise no_such_row(table.name, request.match_info["id"])
        return table, row

    async def save(self, request: web.Request) -> web.Response:
        """Keep a copy of everything, to be restored later in place of what there is then."""
        self.env.store.save(request.match_info["name"])
        return web.json_response({}, status=201)

    async def restore(self, request: web.Request) -> web.Response:
        """Put a copy back; with `?into=another` as a copy in another environment, under a new OrganizationId."""
        await self.backstage.jobs.stop()
        self.env.store.restore(request.match_info["name"])
        self.env.restored()
        self.backstage.hooks.forget()
        if request.query.get("into") == "another":
            self.env.become_another()
        self.backstage.jobs.resume()
        return web.json_response({})

    async def switches(self, _: web.Request) -> web.Response:
        return web.json_response(self.env.switches.model_dump())

    async def switch(self, request: web.Request) -> web.Response:
        self.env.switch(await request.json())
        seed.sync_messages(self.env)
        return await self.switches(request)

    async def plugins(self, _: web.Request) -> web.Response:
        return web.json_response([rule.model_dump() for rule in self.env.rules])

    async def set_plugins(self, request: web.Request) -> web.Response:
        self.env.set_rules([Rule.model_validate(rule) for rule in await request.json()])
        return await self.plugins(request)

    async def privileges(self, _: web.Request) -> web.Response:
        return web.json_response({"lacks": self.env.store.setting("lacks", [])})

    async def set_privileges(self, request: web.Request) -> web.Response:
        self.env.store.set("lacks", _Privileges.model_validate_json(await request.read()).lacks)
        return await self.privileges(request)

    async def clean(self, _: web.Request) -> web.Response:
        """Forget the change history up to now, as a restored or long-idle environment has."""
        self.env.store.set(FLOOR, self.env.store.next_version())
        return web.json_response({})

    async def hosts(self, _: web.Request) -> web.Response:
        return web.json_response(self.backstage.network.as_dict())

    async def set_hosts(self, request: web.Request) -> web.Response:
        """Say where on this machine public hosts are: `{"hook.example": "http://127.0.0.1:7071"}`."""
        self.backstage.network.replace(await request.json())
        return await self.hosts(request)
