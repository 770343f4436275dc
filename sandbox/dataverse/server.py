"""The Dataverse stand-in as an HTTPS server with its admin door."""

import logging
import re
import ssl
import time
import uuid
from pathlib import Path

from aiohttp import web
from multidict import CIMultiDict
from pydantic import BaseModel

from sandbox.dataverse import errors, seed
from sandbox.dataverse.access import Access, User
from sandbox.dataverse.admin import Backstage, add_routes
from sandbox.dataverse.batch import Batch, operations
from sandbox.dataverse.courier import Courier, Hosts
from sandbox.dataverse.environment import Environment, Origin
from sandbox.dataverse.headers import check_headers
from sandbox.dataverse.hooks import Hooks
from sandbox.dataverse.jobs import Jobs
from sandbox.dataverse.limits import Limits
from sandbox.dataverse.seams import Dropped, Seams
from sandbox.dataverse.service import Service
from sandbox.dataverse.steps import Steps
from sandbox.dataverse.store import Store
from sandbox.dataverse.traffic import Traffic
from sandbox.dataverse.transactions import Transactions
from sandbox.dataverse.wire import Call, Reply, parse_prefer
from sandbox.door import Door
from sandbox.identity.certs import ensure
from sandbox.identity.registry import Registry

_BODY_LIMIT = 122_526_105  # 116.85 MiB


class Options(BaseModel):
    """Ports 0 mean any free one. `authority` is named in the 401 challenge; `dop_hint` is sent with answers.

    A webhook is given up after `webhook_timeout` seconds; a system job begins `webhook_delay` seconds after the commit,
    and one that was postponed `webhook_postpone` seconds later once more.
    """

    port: int = 0
    admin_port: int = 0
    authority: str = ""
    latency_ms: float = 0
    operation_ms: float = 0
    limit_scale: float = 1
    limit_window: float = 300
    servers: int = 1
    dop_hint: int = 4
    webhook_timeout: float = 60
    webhook_delay: float = 0
    webhook_postpone: float = 60


class Dataverse:
    """One organization. Its state folder is shared with the issuer whose tokens it takes."""

    def __init__(self, state: Path, options: Options | None = None) -> None:
        self.options = options or Options()
        self.registry = Registry(state / "identity")
        self.certs = ensure(state / "certs")
        self.door = Door("dataverse", state / "gaps" / "dataverse.jsonl")
        (state / "dataverse").mkdir(parents=True, exist_ok=True)
        self.env = Environment(Store(state / "dataverse" / "rows.sqlite"), self.door.gaps, self.door.counts)
        seed.found(self.env, self.registry)
        network = Hosts(state / "dataverse" / "hosts.json")
        known = (self.door.faults, self.door.counts, self.door.gaps, self.certs.ca_file)
        self.courier = Courier(network, *known, self.options.webhook_timeout)
        steps = Steps(self.env.store)
        self.jobs = Jobs(self.env, steps, self.courier, self.options.webhook_delay, self.options.webhook_postpone)
        hooks = Hooks(self.env, steps, self.courier, self.jobs)
        transactions = Transactions(self.env, hooks)
        self.service = Service(self.env, transactions)
        seams = (self.options.latency_ms / 1000, self.options.operation_ms / 1000)
        self.seams = Seams(self.door.faults, *seams)
        self.batch = Batch(self.service, self.seams)
        self.limits = Limits(self.options.limit_scale, self.options.limit_window, self.options.servers)
        tenant = self.registry.tenant().tenant_id
        authority = self.options.authority or f"https://login.microsoftonline.com/{tenant}"
        self.access = Access(self.env.store, self.registry, authority)
        self.url = self.admin = ""
        self.traffic = Traffic(self.door)
        add_routes(self.door, Backstage(self.env, transactions, hooks, self.jobs, network))

    async def start(self) -> dict[str, object]:
        """Serve, and return what the ready line announces."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certs.cert_file, self.certs.key_file)
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/api/data/{version:v9(?:\\.[0-2])?}{tail:/.*|$}", self._serve)
        # A URL may be 32 KB long, far above aiohttp's own limit for a request line.
        self._runner = web.AppRunner(
            app, access_log=None, max_line_size=131072, max_field_size=65536, shutdown_timeout=1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.options.port, ssl_context=tls).start()
        self.url = f"https://localhost:{self._runner.addresses[0][1]}"
        self.registry.add_resource(self.url)
        self.admin = await self.door.start(self.options.admin_port)
        self.jobs.resume()
        return self.announcement()

    def announcement(self) -> dict[str, object]:
        """What a client needs to come here."""
        return {
            "url": self.url,
            "ca_file": str(self.certs.ca_file),
            "organization_id": self.env.organization_id,
            "admin": self.admin,
        }

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self.door.stop()
        await self.jobs.stop()
        await self.courier.close()
        self.env.store.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.door.counts.add("requests")
        subject = await _subject(request)
        server = self.limits.server(request.cookies.get("ARRAffinity"))
        try:
            with self.traffic.passing(subject, request.content_length or 0):
                response = await self.seams.cross("dataverse.before", subject)
                answer = self._web(response) if response else await self._answer(request, server)
                if struck := await self.seams.cross("dataverse.after", subject):
                    answer = self._web(struck)
            self._dress(answer, server)
            await answer.prepare(request)
            await answer.write_eof()
            await self.seams.cross("dataverse.answered", subject)
        except Dropped:
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError from None
        return answer

    async def _answer(self, request: web.Request, server: int) -> web.Response:
        try:
            user = self.access.user(request.headers.get("Authorization", ""), self.url)
        except errors.DataverseError as error:
            return self._web(self.service.refused(error))
        answer = await self._limited(request, user, server)
        requests, seconds = self.limits.left(user.id, server)
        answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] = str(requests)
        answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"] = f"{seconds:,.2f}"
        return answer

    async def _limited(self, request: web.Request, user: User, server: int) -> web.Response:
        """Answer within the service protection limits, which come before anything else of a request is looked at."""
        try:
            self.limits.enter(user.id, server)
        except errors.DataverseError as error:
            self.door.counts.add("429")
            return self._web(self.service.refused(error))
        started = time.monotonic()
        try:
            return await self._carry_out(await self._call(request, user))
        except errors.DataverseError as error:
            return self._web(self.service.refused(error))
        except Dropped:
            raise
        except Exception:
            # A fault of this stand-in, not of the request: said as the real system says its own.
            logging.exception("%s %s", request.method, request.raw_path)
            self.door.gaps.note("crash", f"{request.method} {request.path}")
            return self._web(Reply.of(errors.DataverseError(500, "0x80040216", "An unexpected error occurred.")))
        finally:
            seconds = time.monotonic() - started
            self.limits.leave(user.id, server, seconds)
            self.door.counts.add("execution milliseconds", round(seconds * 1000))

    async def _carry_out(self, call: Call) -> web.Response:
        if call.path.rstrip("/") == "$batch" and call.method == "POST":
            check_headers(call.headers, call.path)
            await self.seams.work(0, requests=1)
            status, kind, body = await self.batch.run(call)
            headers = {"Content-Type": kind, **call.prefer.applied(go_on=call.prefer.go_on)}
            return web.Response(status=status, body=body, headers=headers)
        await self.seams.work(operations(call.method, call.path, call.body), requests=1)
        return self._web(await self.service.handle(call))

    async def _call(self, request: web.Request, user: User) -> Call:
        path, _, query = request.raw_path.partition("?")
        match = re.match(r"/api/data/(v9(?:\.[0-2])?)/?", path)
        assert match is not None
        headers = CIMultiDict(request.headers)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise errors.DataverseError(413, "0x80040216", "The request entity is too large.") from error
        prefer = parse_prefer(",".join(request.headers.getall("Prefer", [])), self.env.gaps)
        root = f"{self.url}/api/data/{match[1]}"
        origin = Origin(agent=headers.get("User-Agent", ""))
        return Call(request.method, path[match.end() :], query, headers, body, user, root, prefer, origin)

    def _web(self, reply: Reply) -> web.Response:
        headers = dict(reply.headers)
        text = reply.text()
        if text:
            headers["Content-Type"] = reply.content_type()
            if not isinstance(reply.body, str):
                headers["Content-Type"] += "; charset=utf-8"
        return web.Response(status=reply.status, body=text.encode() or None, headers=headers)

    def _dress(self, answer: web.Response, server: int) -> None:
        answer.headers.setdefault("OData-Version", "4.0")
        answer.headers.setdefault("Cache-Control", "no-cache")
        answer.headers.setdefault("x-ms-dop-hint", str(self.options.dop_hint))
        for name in ("x-ms-service-request-id", "REQ_ID"):
            answer.headers.setdefault(name, str(uuid.uuid4()))
        answer.headers["Set-Cookie"] = f"ARRAffinity={server}; path=/; secure; HttpOnly"


async def _subject(request: web.Request) -> str:
    """What faults match: method and path, and the body from the next line on unless it is too large to be read."""
    too_large = (request.content_length or 0) > _BODY_LIMIT
    body = b"" if too_large else await request.read()
    return f"{request.method} {request.raw_path}\n{body.decode(errors='replace')}"
