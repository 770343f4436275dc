"""`python -m sandbox.dataverse`: the Dataverse stand-in as a process."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.dataverse.server import Dataverse, Options
from sandbox.process import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.dataverse", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of certificates, tenant and rows")
    for name, field in Options.model_fields.items():
        kind = field.annotation or str
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=field.default)
    args = vars(parser.parse_args())
    state = args.pop("state")

    async def start(_: asyncio.Event) -> tuple[dict[str, object], Callable[[], Awaitable[None]]]:
        server = Dataverse(state, Options(**args))
        return await server.start(), server.stop

    run(start)


if __name__ == "__main__":
    main()
