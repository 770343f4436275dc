"""`python -m sandbox.host`: the host half of Azure Functions as a process."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.host.errors import HostError
from sandbox.host.host import Host, Options
from sandbox.process import run


def main() -> None:
    options = _options()
    os.chdir(options.app)
    announced_on, sys.stdout = sys.stdout, sys.stderr

    async def start(_: asyncio.Event) -> tuple[dict[str, object], Callable[[], Awaitable[None]]]:
        host = Host(options)
        try:
            announcement = await host.start()
        except HostError as error:
            raise SystemExit(f"the host can't start: {error}") from error
        # Standard output carries the ready line and nothing else: a function's print goes to standard error.
        sys.stdout = announced_on
        asyncio.get_running_loop().call_soon(setattr, sys, "stdout", sys.stderr)
        return announcement, host.stop

    run(start)


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m sandbox.host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="folder of function_app.py and host.json")
    parser.add_argument("--settings", type=Path, required=True, help='JSON file {"Values": {...}}')
    parser.add_argument("--host-id", default="", help="hosts that share it share timers and keys")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--time-scale", type=float, default=1.0, help="multiplies the host's own times, up to 1")
    parser.add_argument("--drain", type=float, default=30.0, help="seconds a stop waits for running functions")
    parser.add_argument("--gaps", type=Path, help="file that keeps what was refused")
    arguments = vars(parser.parse_args())
    if not 0 < arguments["time_scale"] <= 1:
        parser.error("--time-scale must be above 0 and at most 1")
    for name in ("app", "settings", "gaps"):
        arguments[name] = arguments[name] and arguments[name].resolve()
    arguments["host_id"] = arguments["host_id"] or _host_id(arguments["app"])
    return Options(**arguments)


def _host_id(app: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", app.name.lower()).strip("-")[:32] or "app"


if __name__ == "__main__":
    main()
