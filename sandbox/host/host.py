"""The host half as a whole: index, listeners, HTTP, stop."""

import asyncio
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from azure.core.exceptions import AzureError

from sandbox.door import Door
from sandbox.host import functions, keys, logs
from sandbox.host.configuration import Queues, read_host_json, read_settings, time_zone
from sandbox.host.errors import HostError, UnknownToHost
from sandbox.host.functions import LONGEST_QUEUE_NAME, Function, connection_string
from sandbox.host.http_front import HttpFront, RunNow
from sandbox.host.invocations import Invocations
from sandbox.host.outputs import Outputs
from sandbox.host.pace import Pace
from sandbox.host.queue_listener import QueueListener
from sandbox.host.schedule import Schedule
from sandbox.host.storage import Storage
from sandbox.host.timer_listener import TimerListener
from sandbox.host.worker import Answer, Worker

POISON = "-poison"
log = logging.getLogger("host")


@dataclass(frozen=True)
class Options:
    """`app` and `settings` are paths; `drain` is how many seconds a graceful stop waits for running functions."""

    app: Path
    settings: Path
    host_id: str
    port: int = 0
    admin_port: int = 0
    time_scale: float = 1.0
    drain: float = 30.0
    gaps: Path | None = None


class Host:
    """One instance of the host. `start` returns what to announce and raises HostError; `stop` drains."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._door = Door("host", options.gaps)
        self._pace = Pace(options.time_scale)
        self._worker = Worker()
        self._storage = Storage(self._door.counts)
        self._queues: list[QueueListener] = []
        self._timers: list[TimerListener] = []
        self._listening: list[asyncio.Task[None]] = []
        self._run_now: dict[str, RunNow] = {}

    async def start(self) -> dict[str, object]:
        try:
            return await self._start()
        except HostError as error:
            if isinstance(error, UnknownToHost):
                self._door.gaps.note(error.kind, error.what)
            await self._storage.close()
            raise
        except AzureError as error:
            await self._storage.close()
            raise HostError(f"storage: {error}") from error

    async def _start(self) -> dict[str, object]:
        os.environ.update(read_settings(self._options.settings))
        settings = read_host_json(self._options.app, os.environ)
        queues = settings.extensions.queues
        outputs = Outputs(self._storage, queues.message_encoding, self._wake)
        self._invocations = Invocations(self._worker, self._door, outputs.write, settings.function_timeout)
        logs.start(self._invocations.function_of)
        indexed = [functions.read(each) for each in await self._worker.index(self._options.app)]
        found = [function for function in indexed if not function.disabled]
        if settings.extension_bundle is None:
            functions.refuse_extensions(found)
        await self._prepare(found, queues)
        url = await self._serve(found, settings.extensions.http.route_prefix)
        self._door.routes.get("/invocations")(self._get_invocations)
        admin = await self._door.start(self._options.admin_port)
        self._listening = [asyncio.create_task(_listen(each)) for each in [*self._queues, *self._timers]]
        return {
            "url": url,
            "key": self._keys.function,
            "master_key": self._keys.master,
            "pid": os.getpid(),
            "host_id": self._options.host_id,
            "functions": [each.name for each in found],
            "admin": admin,
            "time_scale": self._options.time_scale,
        }

    async def _prepare(self, found: list[Function], options: Queues) -> None:
        connection = connection_string({}, "(host)")
        self._keys = await keys.load(await self._storage.container(connection, keys.CONTAINER), self._options.host_id)
        self._hosts = await self._storage.container(connection, "azure-webjobs-hosts")
        for function in found:
            for output in function.outputs.values():
                if output["type"] == "queue":
                    connection_string(output, function.name)
            if function.kind == "queueTrigger":
                self._add_queue(function, options)
            elif function.kind == "timerTrigger":
                self._add_timer(function)

    def _add_queue(self, function: Function, options: Queues) -> None:
        connection = connection_string(function.trigger, function.name)
        name = function.trigger["queueName"]
        has_poison = not name.endswith(POISON) and len(name + POISON) <= LONGEST_QUEUE_NAME
        listener = QueueListener(
            function=function,
            queue=self._storage.queue(connection, name),
            poison=self._storage.queue(connection, name + POISON) if has_poison else None,
            options=options,
            pace=self._pace,
            invocations=self._invocations,
            types=self._worker.types,
        )
        self._queues.append(listener)

        async def run_now(text: str) -> Answer:
            data = self._worker.types.TypedData(string=text)
            return await self._invocations.run(function, data, f"by hand {text}")

        self._run_now[function.name] = run_now

    def _add_timer(self, function: Function) -> None:
        listener = TimerListener(
            function=function,
            schedule=Schedule(function.trigger["schedule"], function.name, time_zone()),
            container=self._hosts,
            host_id=self._options.host_id,
            pace=self._pace,
            invocations=self._invocations,
            types=self._worker.types,
        )
        self._timers.append(listener)
        self._run_now[function.name] = lambda _: listener.run_now()

    async def _serve(self, found: list[Function], prefix: str) -> str:
        self._front = HttpFront(
            functions=found,
            prefix=prefix,
            keys=self._keys,
            host_id=self._options.host_id,
            invocations=self._invocations,
            types=self._worker.types,
            run_now=self._run_now,
        )
        self._runner = web.AppRunner(self._front.app(), access_log=None, shutdown_timeout=self._options.drain)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._options.port).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    def _wake(self, queue: str) -> None:
        for listener in self._queues:
            if listener.queue_name == queue:
                listener.wake()

    async def _get_invocations(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(await self._invocations.find(request.query))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def stop(self) -> None:
        """Poll no more, let what runs end within `drain` seconds; what doesn't, dies with the process."""
        for listener in [*self._queues, *self._timers]:
            listener.stop()
        others = [self._runner.cleanup(), self._front.drained()]
        ends = [*self._listening, *map(asyncio.create_task, others)]
        _, late = await asyncio.wait(ends, timeout=self._options.drain)
        if late:
            log.error("%d listeners still had functions running after %s s", len(late), self._options.drain)
            sys.stderr.flush()
            os._exit(1)
        await self._storage.close()
        await self._door.stop()


async def _listen(listener: QueueListener | TimerListener) -> None:
    try:
        await listener.run()
    except Exception:
        log.critical("a listener died, and the host with it", exc_info=True)
        sys.stderr.flush()
        os._exit(1)
