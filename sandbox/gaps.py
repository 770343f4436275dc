"""`sandbox gaps`: what the stand-ins were asked for and refused, since nobody taught them."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.child import ROOT


def read_gaps(folder: Path = ROOT / ".sandbox") -> list[dict[str, str]]:
    """Every gap noted by any stand-in under `folder`, once: {"part", "kind", "what"}."""
    files = sorted(path for depth in ("", "*/", "*/*/") for path in folder.glob(f"{depth}gaps/*.jsonl"))
    seen = {
        (path.stem, gap["kind"], gap["what"])
        for path in files
        for gap in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }
    return [{"part": part, "kind": kind, "what": what} for part, kind, what in sorted(seen)]


def show_gaps(*, as_json: bool) -> bool:
    """Print the gaps; True, as a list of gaps is no failure."""
    gaps = read_gaps()
    table = Table("Part", "Kind", "What", title=f"{len(gaps)} things refused by the stand-ins")
    for gap in gaps:
        table.add_row(gap["part"], gap["kind"], gap["what"])
        if as_json:
            print(json.dumps(gap), flush=True)
    Console(stderr=True).print(table)
    return True
