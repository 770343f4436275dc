"""The line keeps its promises over seeded histories."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from tests.model.pool import play_all

HISTORIES = int(os.environ.get("GP365_MODEL_HISTORIES", "20000"))
FIRST = int(os.environ.get("GP365_MODEL_FIRST", "0"))


def test_no_history_loses_or_doubles_anything(pool: ProcessPoolExecutor, tell: Callable[[str], None]) -> None:
    tally = play_all(pool, FIRST, HISTORIES)
    tell(f"model: {tally}, {len(tally.broken)} broken promises")
    assert tally.histories == HISTORIES
    assert tally.broken == [], f"replay with: python -m tests.model SEED\n{'\n'.join(tally.broken[:20])}"
