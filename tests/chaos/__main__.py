"""`dev.py chaos`: two people work on both sides, everything fails that can fail, and in the end all must be well.

Each history follows from its seed: who is there, what is typed, what goes wrong, how the pair is set. A failing one is told
with its seed, cut down to what still breaks it, and written down; `--replay FILE` plays that again.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sandbox.child import ROOT
from tests.chaos.campaign import AREA, Tally, keep, kept, play_all, shrink, stages
from tests.chaos.plan import History, plan
from tests.chaos.play import Played
from tests.chaos.troubles import TROUBLES

KEPT = ROOT / ".sandbox" / "chaos"
SPREAD = 1000
"""Histories of one campaign have neighbouring seeds; campaigns lie so far apart."""

STAGES = 3 * (os.cpu_count() or 1)
"""A history waits for most of its time: for locks, for messages to be seen again, for quiet."""

TRIES = 24
ENOUGH = 20
"""So often each seam should be struck in a campaign of 200."""


def main() -> int:
    options = _options()
    return asyncio.run(_campaign(options, Console(stderr=True)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py chaos", description=__doc__)
    parser.add_argument("--area", choices=[AREA], default=AREA, help="what is played")
    parser.add_argument("--histories", type=int, default=20, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="of the campaign")
    parser.add_argument("--history", type=int, help="only the history of this seed, as a failing one is told")
    parser.add_argument("--replay", type=Path, help="only the history that was written down here")
    parser.add_argument("--stages", type=int, default=STAGES, help="sandboxes side by side")
    parser.add_argument("--shrink", action="store_true", help="cut failing histories down to what still breaks them")
    parser.add_argument("--keep", action="store_true", help="leave both sides up at the end, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="JSON lines on standard output")
    return parser.parse_args()


def _histories(options: argparse.Namespace) -> list[History]:
    if options.replay:
        return [kept(options.replay)]
    if options.history is not None:
        return [plan(options.history)]
    return [plan(options.seed * SPREAD + number) for number in range(options.histories)]


async def _campaign(options: argparse.Namespace, console: Console) -> int:
    histories = _histories(options)
    with tempfile.TemporaryDirectory(prefix="gp365-chaos-", ignore_cleanup_errors=True) as folder:
        async with stages(Path(folder), min(options.stages, len(histories))) as opened:
            with _progress(console) as progress:
                bar = progress.add_task(AREA, total=len(histories), broken=0)

                def told(played: Played) -> None:
                    progress.update(bar, advance=1, broken=progress.tasks[0].fields["broken"] + bool(played.faults))
                    _tell(progress.console, played, options)

                tally = await play_all(opened, histories, told)
            for played in tally.broken:
                history = await shrink(opened[0], played.history, TRIES) if options.shrink else played.history
                console.print(
                    f"{history.seed}: {len(history.steps)} steps, replay with --replay {keep(KEPT, history, played)}"
                )
            console.print(_table(tally))
            if options.json:
                print(json.dumps(tally.as_dict()), flush=True)
            if options.keep:
                console.print_json(data=[stage.box.contract for stage in opened])
                await asyncio.Event().wait()
    return 1 if tally.broken else 0


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[broken]} broken"), console=console)


def _tell(console: Console, played: Played, options: argparse.Namespace) -> None:
    seed, seconds = played.history.seed, played.seconds
    for fault in played.faults:
        console.print(f"[red]{seed}[/] {fault}", highlight=False)
    if options.json:
        line = {"history": seed, "seconds": round(seconds, 1), "struck": dict(played.struck), "faults": played.faults}
        print(json.dumps(line), flush=True)


def _table(tally: Tally) -> Table:
    said = tally.as_dict()
    table = Table(
        "Seam", "Planned", "Struck", title=f"{tally.histories} histories, {tally.operations:,} operations of people"
    )
    for trouble in TROUBLES:
        count = tally.struck[trouble.seam]
        shown = str(count) if count >= ENOUGH or tally.histories < 200 else f"[red]{count}[/]"
        table.add_row(trouble.seam, str(tally.planned[trouble.seam]), shown)
    table.caption = ", ".join(f"{said[name]} {name}" for name in ("lost", "doubled", "unexplained"))
    return table


if __name__ == "__main__":
    sys.exit(main())
