"""The HTTP side of the host: routes of functions, and the administration API."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from sandbox.host.functions import Function
from sandbox.host.http_message import request_data, response
from sandbox.host.invocations import Invocations
from sandbox.host.keys import Keys
from sandbox.host.routes import Route
from sandbox.host.worker import HOST_VERSION, Answer

# The load balancer in front of every app gives up on a response after this long; the function runs on.
RESPONSE_LIMIT = 230.0
LARGEST_BODY = 100 * 1024 * 1024

RunNow = Callable[[str], Awaitable[Answer]]


class HttpFront:
    """Serves `functions` with an HTTP trigger under `prefix`, and `/admin`.

    `run_now` has for each other function how it is run by hand, given the input text.
    """

    def __init__(
        self,
        *,
        functions: Sequence[Function],
        prefix: str,
        keys: Keys,
        host_id: str,
        invocations: Invocations,
        types: Any,
        run_now: Mapping[str, RunNow],
    ) -> None:
        served = [function for function in functions if function.kind == "httpTrigger"]
        routes = [(Route(each.trigger.get("route") or each.name, each.name), each) for each in served]
        self._routes = sorted(routes, key=lambda route: route[0].rank)
        self._functions = functions
        self._prefix = f"/{prefix.strip('/')}/" if prefix.strip("/") else "/"
        self._keys = keys
        self._host_id = host_id
        self._invocations = invocations
        self._types = types
        self._run_now = run_now
        self._started = time.monotonic()
        self._tasks: set[asyncio.Task[Any]] = set()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/admin/host/status", self._status)
        app.router.add_get("/admin/functions", self._list)
        app.router.add_post("/admin/functions/{name}", self._run_by_hand)
        app.router.add_route("*", "/{path:.*}", self._call)
        return app

    async def _call(self, request: web.Request) -> web.Response:
        found = self._find(request.method, _path(request))
        if not found:
            return web.Response(status=404)
        function, values = found
        level = (function.trigger.get("authLevel") or "FUNCTION").upper()
        if not self._may(request, level):
            return web.Response(status=401)
        data = await request_data(request, values, self._types)
        subject = f"{request.method} {request.path_qs}"
        task = self._start(self._invocations.run(function, data, subject))
        done, _ = await asyncio.wait({task}, timeout=RESPONSE_LIMIT)
        if not done:
            return web.Response(status=504)
        answer: Answer = task.result()
        return web.Response(status=500) if answer.error else response(answer.returned)

    def _find(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        if not path.lower().startswith(self._prefix.lower()):
            return None
        for route, function in self._routes:
            methods = [each.upper() for each in function.trigger.get("methods") or []]
            if methods and method not in methods:
                continue
            values = route.match(path[len(self._prefix) :])
            if values is not None:
                return function, values
        return None

    def _may(self, request: web.Request, level: str) -> bool:
        key = request.headers.get("x-functions-key") or request.query.get("code") or ""
        return self._keys.allow(level, key)

    def _start(self, running: Awaitable[Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(running)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drained(self) -> None:
        """Wait for the invocations that no request waits for any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _status(self, request: web.Request) -> web.Response:
        if not self._may(request, "ADMIN"):
            return web.Response(status=401)
        uptime = int((time.monotonic() - self._started) * 1000)
        state = {"id": self._host_id, "state": "Running", "version": HOST_VERSION, "processUptime": uptime}
        return web.json_response(state)

    async def _list(self, request: web.Request) -> web.Response:
        if not self._may(request, "ADMIN"):
            return web.Response(status=401)
        return web.json_response(
            [{"name": each.name, "config": {"bindings": [each.trigger]}} for each in self._functions]
        )

    async def _run_by_hand(self, request: web.Request) -> web.Response:
        if not self._may(request, "ADMIN"):
            return web.Response(status=401)
        run = self._run_now.get(request.match_info["name"])
        if not run:
            return web.Response(status=404)
        try:
            text = (await request.json())["input"]
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400)
        self._start(run(text or ""))
        return web.Response(status=202)


def _path(request: web.Request) -> str:
    """The decoded path; an encoded slash stays as it is, so that it doesn't part segments (ASP.NET Core)."""
    return unquote(re.sub("%(2[fF])", r"%25\1", request.rel_url.raw_path))
