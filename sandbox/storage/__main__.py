"""`python -m sandbox.storage --state DIR [--admin-port N]`: storage until SIGTERM or end of stdin.

Ready line: {"ready": true, "connection_string": ..., "admin": ...}.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.door import Door
from sandbox.process import run
from sandbox.storage.server import Storage


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.storage", description="Azurite behind a strict gate")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the data and the ports")
    parser.add_argument("--admin-port", type=int, default=0)
    options = parser.parse_args()

    async def start(_: asyncio.Event) -> tuple[dict[str, object], Callable[[], Awaitable[None]]]:
        door = Door("storage")
        storage = Storage(options.state, door)

        async def stop() -> None:
            await door.stop()
            await storage.stop()

        try:
            connection = await storage.start()
            admin = await door.start(options.admin_port)
        except BaseException:
            await stop()
            raise
        return {"connection_string": connection, "admin": admin}, stop

    run(start)


if __name__ == "__main__":
    main()
