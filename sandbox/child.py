"""One part of the sandbox as a child process that keeps the process rule of `sandbox.process`."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
READY_SECONDS = 180
STOP_SECONDS = 20


class PartFailed(Exception):
    """A part ended, or stayed silent, before it was ready; the text ends with the last it logged."""


class Child:
    """`python -m {module} {arguments}`: its standard error goes to `log`, the end of its standard input ends it."""

    def __init__(self, name: str, module: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}
        self._command = [sys.executable, "-m", module, *arguments]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> dict[str, Any]:
        """Start, wait for the ready line and return it; raises PartFailed."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await self._spawn(log)
        try:
            self.ready = await asyncio.wait_for(self._ready_line(), READY_SECONDS)
        except TimeoutError:
            await self.kill()
            raise PartFailed(f"{self.name} was not ready after {READY_SECONDS} s: {self.last_words()}") from None
        self._reader = asyncio.create_task(self._drain())
        return self.ready

    async def stop(self) -> None:
        """Ask it to end and wait; end it the hard way when it doesn't."""
        if self._process and self._process.stdin and self.running:
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                await self.kill()
        if self._reader:
            await self._reader

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def wait(self) -> int:
        """Its exit status, once it has ended."""
        assert self._process
        return await self._process.wait()

    def last_words(self, lines: int = 40) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    async def _spawn(self, log: IO[bytes]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            env=environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )

    async def _ready_line(self) -> dict[str, Any]:
        assert self._process
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict) and said.get("ready"):
                    return said
        status = await self._process.wait()
        raise PartFailed(f"{self.name} ended with status {status}: {self.last_words()}")

    async def _drain(self) -> None:
        assert self._process
        assert self._process.stdout
        while await self._process.stdout.readline():
            pass


def environment(**more: str) -> dict[str, str]:
    """The environment of a part: ours, less the variables by which `requests` overrides a client's own CA file."""
    ours = {name: value for name, value in os.environ.items() if name not in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
    return ours | {"PYTHONUNBUFFERED": "1"} | more
