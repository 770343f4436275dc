"""`python -m bench [--suite NAME] [--json]`: measure, compare with the bars, exit 0 when all of them hold.

A suite is a module in this folder that uses `bench.suite.suite`; all of them are found by name.
"""

import argparse
import asyncio
import importlib
import json
import pkgutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.suite import SUITES, Measure, options, step


def main() -> int:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name != "__main__":
            importlib.import_module(f"bench.{module.name}")
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--suite", choices=["all", *sorted(SUITES)], default="all")
    parser.add_argument("--records", type=int, default=options.records, help="how many customers the suite works")
    parser.add_argument("--json", action="store_true", help="JSON lines on standard output")
    asked = parser.parse_args()
    options.records = asked.records
    names = sorted(SUITES) if asked.suite == "all" else [asked.suite]
    return 0 if asyncio.run(_measure(names, as_json=asked.json)) else 1


async def _measure(names: list[str], *, as_json: bool) -> bool:
    console = Console(stderr=True)
    ok = True
    for name in names:
        table = Table("Measure", "Value", "Bar", "Holds", "", title=name)
        with console.status(name) as status:
            step.tell = status.update
            async for measure in SUITES[name]():
                ok = ok and measure.holds
                table.add_row(*_row(measure))
                if as_json:
                    print(json.dumps(measure.line(name)), flush=True)
        console.print(table)
    if as_json:
        print(json.dumps({"bench": "ok" if ok else "falls short"}), flush=True)
    return ok


def _row(measure: Measure) -> tuple[str, ...]:
    bar = "" if measure.bar is None else f"{measure.op} {measure.bar:g}"
    holds = "" if measure.bar is None else "yes" if measure.holds else "[red]no[/]"
    return measure.measure, f"{measure.value:.4g} {measure.unit}", bar, holds, measure.note


if __name__ == "__main__":
    sys.exit(main())
