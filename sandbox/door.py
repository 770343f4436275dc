"""The admin door every stand-in has: inject faults, count requests, list gaps, add its own seeds and views."""

import json
import os
import re
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator


class Fault(BaseModel):
    """One planned misbehaviour: where it strikes, how often, and what it does.

    `at` names a seam of the stand-in (each stand-in lists its seams), `match` is a regular expression
    searched in the subject of that crossing (a URL, a statement, a procedure name). `kill` ends another process, as
    a crash at just this moment would, and cuts the connection; it is counted as `kill.{text}`.
    """

    model_config = ConfigDict(extra="forbid")

    at: str
    match: str = ""
    skip: int = Field(0, ge=0, description="crossings let through first")
    times: int = Field(1, ge=-1, description="crossings struck; -1 for ever")
    do: Literal["delay", "error", "drop", "kill", "double", "hold"]
    seconds: float = Field(0, ge=0, description="length of a delay, or the Retry-After sent with an error")
    code: int = Field(0, description="HTTP status or SQL error number of an error")
    text: str = ""
    process: int = Field(0, ge=0, description="the process that a kill ends")

    @model_validator(mode="after")
    def _kills_somebody(self) -> Self:
        # 0 would be the stand-in's own process group, 1 the machine.
        if self.do == "kill" and self.process < 2:
            raise ValueError("a kill names its process")
        if self.do in {"double", "hold"} and not self.at.endswith(".webhook"):
            raise ValueError(f"only a webhook can be made to {self.do}")
        return self


class Faults:
    """The faults in force. Thread-safe: TDS sessions run in threads."""

    def __init__(self, counts: "Counts | None" = None) -> None:
        self._counts = counts or Counts()
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault.model_copy())

    def clear(self, do: str = "") -> None:
        """Plan nothing any more, or nothing of one kind."""
        with self._lock:
            self._faults = [fault for fault in self._faults if do and fault.do != do]

    def list(self) -> list[Fault]:
        with self._lock:
            return [fault.model_copy() for fault in self._faults]

    def take(self, at: str, subject: str = "") -> Fault | None:
        """The fault that strikes this crossing of seam `at`, used up by one; None when nothing does.

        A kill is done here; what remains for the crossing is to drop the dead caller's connection.
        """
        with self._lock:
            for fault in self._faults:
                if fault.at != at or not re.search(fault.match, subject, re.IGNORECASE):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times == 0:
                    continue
                if fault.times > 0:
                    fault.times -= 1
                return self._killed(fault) if fault.do == "kill" else fault.model_copy()
        return None

    def _killed(self, fault: Fault) -> Fault | None:
        try:
            os.kill(fault.process, signal.SIGKILL)
        except ProcessLookupError:
            return None
        self._counts.add(f"kill.{fault.text or fault.at}")
        return fault.model_copy(update={"do": "drop"})


class Gaps:
    """What a stand-in was asked for and does not imitate: refused to the caller, listed for people.

    Kept as JSON lines in `path` so that `dev.py sandbox gaps` can print them after the process ended.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def note(self, kind: str, what: str) -> None:
        """Record one refusal: `kind` such as "statement" or "odata option", `what` the thing itself."""
        with self._lock:
            self._seen[kind, what] += 1
            if self._seen[kind, what] == 1 and self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"kind": kind, "what": what}) + "\n")

    def list(self) -> list[dict[str, object]]:
        with self._lock:
            return [{"kind": kind, "what": what, "times": n} for (kind, what), n in self._seen.items()]


class Counts:
    """How often each named thing happened since the last reset."""

    def __init__(self) -> None:
        self._counter: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, by: int = 1) -> None:
        with self._lock:
            self._counter[name] += by

    def reset(self) -> None:
        with self._lock:
            self._counter.clear()

    def dict(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counter)


class Door:
    """Faults, gaps and counts of one stand-in, served as plain HTTP on a loopback port of its own.

    Routes: `GET /health`; `GET|DELETE /counts`; `GET /gaps`; `GET|POST|DELETE /faults`, those of one kind
    only with `DELETE /faults?do=kill`. A stand-in adds its own with `door.routes`.
    """

    def __init__(self, name: str, gaps_file: Path | None = None) -> None:
        self.name = name
        self.counts = Counts()
        self.faults = Faults(self.counts)
        self.gaps = Gaps(gaps_file)
        self.routes = web.RouteTableDef()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> str:
        """Serve on 127.0.0.1 and return the base URL: on `port`, or on another when something has taken that meanwhile."""
        app = web.Application()
        app.add_routes(self._own_routes())
        app.add_routes(self.routes)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError:
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def _own_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/health", self._health),
            web.get("/counts", self._get_counts),
            web.delete("/counts", self._reset_counts),
            web.get("/gaps", self._get_gaps),
            web.get("/faults", self._get_faults),
            web.post("/faults", self._add_fault),
            web.delete("/faults", self._clear_faults),
        ]

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"name": self.name, "ok": True})

    async def _get_counts(self, _: web.Request) -> web.Response:
        return web.json_response(self.counts.dict())

    async def _reset_counts(self, _: web.Request) -> web.Response:
        self.counts.reset()
        return web.json_response({})

    async def _get_gaps(self, _: web.Request) -> web.Response:
        return web.json_response(self.gaps.list())

    async def _get_faults(self, _: web.Request) -> web.Response:
        return web.json_response([fault.model_dump() for fault in self.faults.list()])

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(Fault.model_validate_json(await request.read()))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({}, status=201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self.faults.clear(request.query.get("do", ""))
        return web.json_response({})
