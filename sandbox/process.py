"""Runs one stand-in as a process: says when it is ready, ends when asked or when its parent is gone."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping


def run(
    start: Callable[[asyncio.Event], Awaitable[tuple[Mapping[str, object], Callable[[], Awaitable[None]]]]],
) -> None:
    """Run `start(stopping)`, which returns (what to announce, how to stop), until SIGTERM, SIGINT or end of stdin.

    The announcement is one JSON line on standard output, `{"ready": true, ...}`. The end of standard input is how
    a stand-in notices on every platform that the process which started it has gone.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(start))


async def _serve(
    start: Callable[[asyncio.Event], Awaitable[tuple[Mapping[str, object], Callable[[], Awaitable[None]]]]],
) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for name in ("SIGTERM", "SIGINT"):
        with contextlib.suppress(NotImplementedError, AttributeError):
            loop.add_signal_handler(getattr(signal, name), stopping.set)

    def watch_parent() -> None:
        # Not sys.stdin.buffer: a thread inside a buffered read makes the interpreter abort when it ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stopping.set)

    threading.Thread(target=watch_parent, daemon=True).start()
    announcement, stop = await start(stopping)
    print(json.dumps({"ready": True, **announcement}), flush=True)
    await stopping.wait()
    await stop()
