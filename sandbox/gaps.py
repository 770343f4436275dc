"""`sandbox gaps`: what the stand-ins were asked for and refused, since nobody taught them."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.child import ROOT

ALL_STATES = ROOT / ".sandbox"


def read_gaps(folder: Path = ALL_STATES) -> list[dict[str, str]]:
    """Every gap noted by any stand-in under `folder`, once: {"part", "kind", "what"}.

    `folder` is a state folder or one that holds several. A stand-in with a folder of its own keeps its gaps there.
    """
    shared = {path: path.stem for depth in ("", "*/") for path in folder.glob(f"{depth}gaps/*.jsonl")}
    own = {path: path.parent.name for depth in ("*/", "*/*/") for path in folder.glob(f"{depth}gaps.jsonl")}
    seen = {
        (part, gap["kind"], gap["what"])
        for path, part in (shared | own).items()
        for gap in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }
    return [{"part": part, "kind": kind, "what": what} for part, kind, what in sorted(seen)]


def show_gaps(folder: Path, *, as_json: bool) -> bool:
    """Print the gaps; True, as a list of gaps is no failure."""
    gaps = read_gaps(folder)
    console = Console(stderr=True)
    if not gaps:
        console.print("Nothing was refused: every stand-in knew what it was asked for.")
        return True
    table = Table("Part", "Kind", "What", title=f"Refused by the stand-ins: {len(gaps)}", title_justify="left")
    for gap in gaps:
        table.add_row(*map(Text, gap.values()))
        if as_json:
            print(json.dumps(gap), flush=True)
    console.print(table)
    return True
