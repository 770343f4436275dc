"""The whole sandbox: every part started, bound together and stopped as one."""

import asyncio
import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from fasteners import InterProcessLock

from sandbox.child import ROOT, Child, PartFailed, environment
from sandbox.parts import HOOK_HOST, PARTS, app_settings, contract, hook_settings, part_of, settings_file
from sandbox.ports import Ports

STATE = ROOT / ".sandbox" / "state"
LOCK = "lock"


def lock_of(state: Path) -> InterProcessLock:
    """Held by the one sandbox that may run in a state folder; the system frees it when its process is gone."""
    return InterProcessLock(state / LOCK)


def is_running(state: Path) -> bool:
    """Whether a sandbox of another process runs in this state folder."""
    lock = lock_of(state)
    if not lock.acquire(blocking=False):
        return True
    lock.release()
    return False


class Sandbox:
    """The parts named in `parts` (all by default), their state in the folder `state`.

    `async with Sandbox() as box` starts them, each after those it needs, and stops them at the end.
    `box.ready[name]` is a part's ready line. Ports and data survive a restart within one `state`; `fresh`
    empties it first. `time_scale` shortens the host's waiting times (visibility, back-off). What `overrides` says of
    the app's settings holds from the next start of a host on. `webhooks`: Dataverse tells the app what changes. `host` is
    how a host's process is made.
    """

    def __init__(
        self,
        state: Path = STATE,
        parts: Iterable[str] = tuple(PARTS),
        *,
        fresh: bool = False,
        time_scale: float = 0.1,
        webhooks: bool = False,
        host: type[Child] = Child,
    ) -> None:
        self.state = state.resolve()
        self.ready: dict[str, dict[str, Any]] = {}
        self.overrides: dict[str, str] = {}
        self._names = list(parts)
        self._fresh = fresh
        self._time_scale = time_scale
        self._webhooks = webhooks
        self._host = host
        self._children: dict[str, Child] = {}
        self._ports = Ports(self.state / "ports.json")
        self._lock = lock_of(self.state)

    async def __aenter__(self) -> Self:
        if not self._lock.acquire(blocking=False):
            raise PartFailed(f"A sandbox runs in {self.state} already: end it, or name another folder with --state")
        if self._fresh:
            self._empty()
        try:
            await self._start_all()
            if self._webhooks:
                await self._register()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop every part, the hosts first."""
        for name in sorted(self._children, key=lambda name: len(part_of(name).needs), reverse=True):
            await self.stop(name)
        if self._lock.acquired:
            self._lock.release()

    async def start(self, name: str, *options: str) -> dict[str, Any]:
        """Start a part ("host-2" is a second host) and return its ready line; raises PartFailed."""
        part = part_of(name)
        if part is PARTS["host"]:
            await self._bind_app()
            options = ("--time-scale", f"{self._time_scale:g}", *options)
        ports = [text for port in part.ports for text in (f"--{port}", str(self._ports.of(f"{name}.{port}")))]
        arguments = [*part.arguments(self.state), *ports, *options]
        kind = self._host if part is PARTS["host"] else Child
        child = kind(name, part.module, arguments, self.state / "logs" / f"{name}.log")
        self._children[name] = child
        self.ready[name] = await child.start()
        return self.ready[name]

    async def stop(self, name: str) -> None:
        """Ask a part to end, and wait."""
        await self._children[name].stop()

    async def kill(self, name: str) -> None:
        """End a part at once, as a crash would."""
        await self._children[name].kill()

    async def ended(self, name: str) -> int:
        """Wait until a part has ended, whoever ended it; its exit status."""
        return await self._children[name].wait()

    def has_ended(self, name: str) -> bool:
        """Whether a part that was started runs no more."""
        return not self._children[name].running

    async def restart(self, name: str, *options: str) -> dict[str, Any]:
        """Stop a part if it runs and start it again, on its ports, with its data."""
        await self.stop(name)
        return await self.start(name, *options)

    async def cli(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """Run `python -m sync ...` with the app's settings; returns (exit status, standard output, standard error)."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sync", *arguments),
            cwd=ROOT,
            env=environment(**(self.settings | settings)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    @property
    def settings(self) -> dict[str, str]:
        """The app's settings against the running parts."""
        hooks = hook_settings(self.ready) if self._webhooks else {}
        return app_settings(self.ready, self._time_scale) | hooks | self.overrides

    @property
    def contract(self) -> dict[str, Any]:
        """The line that `up` announces, without its "ready"."""
        return contract(self.ready)

    def _empty(self) -> None:
        for path in self.state.iterdir():
            if path.name == LOCK:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._ports = Ports(self.state / "ports.json")

    async def _start_all(self) -> None:
        started = {name: asyncio.Event() for name in self._names}

        async def start(name: str) -> None:
            for need in part_of(name).needs:
                if need in started:
                    await started[need].wait()
            await self.start(name)
            started[name].set()

        try:
            async with asyncio.TaskGroup() as group:
                for name in self._names:
                    group.create_task(start(name))
        except* PartFailed as failures:
            raise failures.exceptions[0] from None

    async def _bind_app(self) -> None:
        """Write the app's settings; before the first host starts, provision Dataverse and note where both sides stand.

        The first poll sends nothing (docs/decisions/0003): made here, whatever is typed in once the sandbox is ready is
        seen. In Dataverse it asks for our own columns, so it comes second.
        """
        self._write_settings()
        if any(part_of(name) is PARTS["host"] for name in self._children):
            return
        await self._prepare("provision")
        await self._prepare("poll")

    async def _register(self) -> None:
        """Let the app's public name lead to its host, and have Dataverse call it."""
        async with httpx.AsyncClient(base_url=self.ready["dataverse"]["admin"]) as door:
            (await door.put("/hosts", json={HOOK_HOST: self.ready["host"]["url"]})).raise_for_status()
        self._write_settings()  # the host's key was not known before it ran
        await self._prepare("register")

    def _write_settings(self) -> None:
        text = json.dumps({"IsEncrypted": False, "Values": self.settings}, indent=2)
        settings_file(self.state).write_text(text, encoding="utf-8")

    async def _prepare(self, command: str) -> None:
        status, out, err = await self.cli(command, "--json")
        if status:
            raise PartFailed(f"`python -m sync {command}` ended with status {status}: {err or out}")
