"""`python -m sandbox up|demo|gaps|sync`: started by dev.py, inside the project's environment.

Ends when its standard input does, like every part it starts. Exit status 0 only when all is well.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.child import ROOT, PartFailed, environment
from sandbox.demo import STATE as DEMO_STATE
from sandbox.demo import demo
from sandbox.gaps import ALL_STATES, show_gaps
from sandbox.parts import PARTS, settings_file
from sandbox.process import run
from sandbox.scenarios import SCENARIOS
from sandbox.up import STATE, Sandbox, is_running


def main() -> int:
    options = _parser().parse_args()
    try:
        return _sync(options) if options.command == "sync" else int(not _run(options))
    except PartFailed as failure:
        print(failure, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> bool:
    if options.command == "up":
        return _up(options)
    if options.command == "demo":
        names = list(SCENARIOS) if options.scenario == "all" else [options.scenario]
        picture, state = options.picture, options.state
        return asyncio.run(demo(names, as_json=options.json, picture=picture, state=state))
    return show_gaps(options.state, as_json=options.json)


def _up(options: argparse.Namespace) -> bool:
    async def start(stopping: asyncio.Event) -> tuple[dict[str, object], Callable[[], Awaitable[None]]]:
        given = {"fresh": options.fresh, "time_scale": options.time_scale, "webhooks": options.webhooks}
        box = Sandbox(options.state, options.parts, **given)
        await box.__aenter__()
        _show(box)
        platform = asyncio.create_task(_revive_host(box, stopping))

        async def stop() -> None:
            platform.cancel()
            await box.close()

        return box.contract, stop

    run(start)
    return True


def _sync(options: argparse.Namespace) -> int:
    """`python -m sync ...` against the sandbox that `up` runs; its own exit status."""
    file = settings_file(options.state)
    if not file.exists() or not is_running(options.state):
        raise PartFailed(f"No sandbox runs in {options.state}: start one with `python3 dev.py up` first")
    values = json.loads(file.read_text(encoding="utf-8"))["Values"]
    command = [sys.executable, "-m", "sync", *options.words]
    return subprocess.run(command, cwd=ROOT, env=environment(**values), check=False).returncode


async def _revive_host(box: Sandbox, stopping: asyncio.Event) -> None:
    """As Azure does, start the host again when it has ended; the new pid is announced in a line of its own."""
    while "host" in box.ready and not stopping.is_set():
        status = await box.ended("host")
        if stopping.is_set():
            return
        print(f"The host ended with status {status}; starting it again.", file=sys.stderr)
        try:
            await box.start("host")
        except PartFailed as failure:
            print(failure, file=sys.stderr)
            stopping.set()
            return
        print(json.dumps({"restarted": "functions", **box.contract["functions"]}), flush=True)


def _show(box: Sandbox) -> None:
    table = Table("Part", "Address", "Admin door", title="The sandbox runs; Ctrl-C ends it", title_justify="left")
    table.columns[1].overflow = table.columns[2].overflow = "fold"
    for name, said in box.ready.items():
        address = said.get("url") or said.get("authority") or f"{said.get('host', '')}:{said.get('port', '')}"
        table.add_row(name, address.strip(":") or "in the connection string", said.get("admin", ""))
    console = Console(stderr=True)
    console.print(table)
    console.print(f"State, logs and the app's settings: {box.state}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py", description="The sandbox: stand-ins for what a laptop lacks.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", prog="dev.py up", help="run the whole sandbox until interrupted")
    _add_state(up, STATE, "folder of data, ports, logs and settings")
    up.add_argument("--fresh", action="store_true", help="empty that folder first")
    parts = f"start only these: {', '.join(PARTS)}"
    up.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART", help=parts)
    up.add_argument("--webhooks", action="store_true", help="let Dataverse tell the app at once what changes there")
    pace = "factor on the host's waiting times: 1 is Azure's own pace (default: 0.1)"
    up.add_argument("--time-scale", type=float, default=0.1, metavar="FACTOR", help=pace)
    show = commands.add_parser("demo", prog="dev.py demo", help="play scenarios on a fresh sandbox")
    _add_state(show, DEMO_STATE, "folder to play in; emptied first")
    show.add_argument("--scenario", choices=["all", *SCENARIOS], default="all", help="what to play (default: all)")
    show.add_argument("--picture", type=Path, metavar="FILE", help="keep what was seen as an SVG picture")
    gaps = commands.add_parser("gaps", prog="dev.py sandbox gaps", help="list what the stand-ins refused")
    _add_state(gaps, ALL_STATES, "folder given to `up`, or one that holds several")
    for command in (up, show, gaps):
        command.add_argument("--json", action="store_true", help="JSON lines on standard output")
    told = "an operator's command of the app, against the sandbox that `up` runs"
    sync = commands.add_parser("sync", prog="dev.py sandbox sync", help=told, description=f"Run {told}.")
    _add_state(sync, STATE, "folder given to `up`")
    sync.add_argument("words", nargs=argparse.REMAINDER, metavar="...", help="what follows `python -m sync`")
    return parser


def _add_state(command: argparse.ArgumentParser, default: Path, told: str) -> None:
    shown = default.relative_to(ROOT)
    command.add_argument("--state", type=Path, default=default, metavar="DIR", help=f"{told} (default: {shown})")


if __name__ == "__main__":
    sys.exit(main())
