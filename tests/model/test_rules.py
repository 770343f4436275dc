"""Each rule of the line is needed: left out, the same histories break a promise."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from tests.model import rules, sabotage
from tests.model.pool import find

WITHIN = 6000
SEEN_BY_CHANCE = [*rules.SEEN_BY_CHANCE, *sabotage.SEEN_BY_CHANCE]


def test_a_rule_left_out_breaks_a_history(pool: ProcessPoolExecutor, tell: Callable[[str], None]) -> None:
    found = {name: tally.result() for name, tally in find(pool, SEEN_BY_CHANCE, within=WITHIN).items()}
    played = sum(tally.histories for tally in found.values())
    tell(f"model: {len(found)} rules left out in turn, each caught; {played:,} histories")
    assert [name for name, tally in found.items() if not tally.broken] == []
