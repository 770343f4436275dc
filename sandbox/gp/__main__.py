"""`python -m sandbox.gp --data DIR [--port N] [--admin-port N] [--customers N]`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from sandbox import process
from sandbox.gp.server import GpServer
from sandbox.tsql.postgres import NotStarted


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.gp", description="A Fabrikam-like GP company over TDS.")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps databases and passwords")
    parser.add_argument("--port", type=int, default=0, help="TDS port; 0 takes a free one")
    parser.add_argument("--admin-port", type=int, default=0, help="port of the admin door; 0 takes a free one")
    parser.add_argument("--customers", type=int, default=0, help="generated customers in a new TWO")
    return parser.parse_args()


def main() -> None:
    asked = _arguments()

    async def start(_: asyncio.Event) -> tuple[Mapping[str, object], Callable[[], Awaitable[None]]]:
        server = GpServer(asked.data)
        return await server.start(asked.port, asked.admin_port, asked.customers), server.stop

    try:
        process.run(start)
    except NotStarted as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
