"""The operator's commands, each in a process of its own that need not import everything anew: a campaign runs thousands."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from tempfile import TemporaryFile
from typing import IO

from tests.chaos.forks import FORKS


async def run(arguments: Sequence[str], settings: Mapping[str, str]) -> tuple[int, str, str]:
    """`python -m sync ARGUMENTS` with these settings: exit status, standard output, standard error."""
    return await asyncio.to_thread(_run, list(arguments), dict(settings))


def _run(arguments: list[str], settings: dict[str, str]) -> tuple[int, str, str]:
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_command, args=(theirs, arguments, settings))
    process.start()
    theirs.close()
    try:
        status, out, err = ours.recv()
        return status, out, err
    except EOFError:
        return 1, "", "ended without a word"
    finally:
        process.join()


def _command(tell: Connection, arguments: list[str], settings: dict[str, str]) -> None:
    from sync.cli.app import main

    os.environ.update(settings)
    sys.argv = ["sync", *arguments]
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        sys.stdout, sys.stderr = out, err
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        tell.send((status, _whole(out), _whole(err)))


def _whole(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
