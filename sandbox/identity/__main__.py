"""`python -m sandbox.identity`: the Entra stand-in as a process."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.identity.server import Identity, Options
from sandbox.process import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.identity", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of certificates and the tenant")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--managed-identity-port", type=int, default=0)
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--lifetime", type=int, default=3599, help="seconds a token lives")
    args = vars(parser.parse_args())
    state = args.pop("state")

    async def start(_: asyncio.Event) -> tuple[dict[str, object], Callable[[], Awaitable[None]]]:
        identity = Identity(state, Options(**args))
        return await identity.start(), identity.stop

    run(start)


if __name__ == "__main__":
    main()
