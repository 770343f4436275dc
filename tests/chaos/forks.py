"""Processes of the app, forked from one that has imported everything: a campaign starts thousands, and importing is most of a start."""

import asyncio
import gc
import multiprocessing
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO, cast

from sandbox.child import ROOT, Child, environment

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("sync.cli.app", "sync.flows", "sync.runtime", "sync.hooks", "sandbox.host.__main__"),
        *("httpcore", "anyio._backends._asyncio", "msal_extensions", "tests.chaos.__main__"),
    ]
)


class ForkedChild(Child):
    """A child process whose module is run in a fork."""

    async def _spawn(self, log: IO[bytes]) -> Process:
        return cast("Process", await Forked.start(self._command, log.name))


class Forked:
    """As much of `asyncio.subprocess.Process` as a Child uses."""

    def __init__(self, process: ForkServerProcess, stdin: Connection, stdout: asyncio.StreamReader) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self._process = process
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._end)

    @classmethod
    async def start(cls, command: Sequence[str], log: str) -> "Forked":
        """`python -m MODULE ARGUMENTS`, its standard error in `log`."""
        asked, stdin = FORKS.Pipe(duplex=False)
        said, stdout = FORKS.Pipe(duplex=False)
        _, _, module, *arguments = command
        process = FORKS.Process(target=_become, args=(module, arguments, asked, stdout, log), daemon=False)
        await asyncio.to_thread(process.start)
        asked.close()
        stdout.close()
        return cls(process, stdin, await _reader(said))

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        await self._ended.wait()
        return self._process.exitcode or 0

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()


async def _reader(said: Connection) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    file = os.fdopen(os.dup(said.fileno()), "rb", buffering=0)
    said.close()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return reader


def _become(module: str, arguments: Sequence[str], asked: Connection, stdout: Connection, log: str) -> None:
    """Be the process of a module from here on. No collection of garbage goes over what was imported before."""
    gc.freeze()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment())
    with Path(log).open("ab") as file:
        for descriptor, ours in enumerate((asked.fileno(), stdout.fileno(), file.fileno())):
            os.dup2(ours, descriptor)
    asked.close()
    stdout.close()
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    sys.argv = [module, *arguments]
    import_module(f"{module}.__main__").main()
