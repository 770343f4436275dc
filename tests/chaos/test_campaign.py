"""A handful of histories on real parts, in every run of the tests."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.chaos import campaign
from tests.chaos.campaign import Tally, keep, kept, play_all, stages
from tests.chaos.plan import History, plan
from tests.chaos.play import Played
from tests.chaos.stage import Stage

HANDFUL = (4013, 4003, 4012)
"""Two that begin with populated sides, the first coupled by the match file; one whose parts are restarted. All are short."""

REGRESSIONS = sorted(Path(__file__).with_name("regressions").glob("*.json"))
"""Histories that once broke something, with as few steps as still did."""


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stages(tmp_path_factory.mktemp("chaos"), 1) as [opened]:
        yield opened


async def test_a_handful_of_histories_ends_with_both_sides_equal_or_a_person_asked(stage: Stage) -> None:
    histories = [*map(plan, HANDFUL), *map(kept, REGRESSIONS)]
    tally = await play_all([stage], histories, lambda _: None)
    evidence = "\n".join(line for played in tally.broken for line in played.evidence)
    assert {played.history.seed: played.faults for played in tally.broken} == {}, evidence
    assert tally.histories == len(histories)
    assert tally.writes > 0
    assert tally.struck.total() > 0


def test_a_sum_counts_faults_by_their_kind() -> None:
    tally = Tally()
    faults = ["TWO/A: lost: name", "TWO/A: doubled: 2 accounts", "TWO/A: apart: name", "X still has an intent"]
    tally.add(Played(plan(1), faults, tally.struck, operations=3, writes=2))
    said = tally.as_dict()
    assert (said["chaos"], said["lost"], said["doubled"], said["unexplained"]) == ("failed", 1, 1, 2)
    assert (said["failing_seeds"], said["operations"], said["records"]) == ([1], 3, len(plan(1).partners))


def test_a_history_written_down_is_the_one_played_again(tmp_path: Path) -> None:
    history = plan(3)
    played = Played(history, ["TWO/A: lost: name"], Tally().struck, operations=0, writes=0)
    assert kept(keep(tmp_path, history, played)) == history
    assert "lost: name" in (tmp_path / "3.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("needed", [{0, 49}, {7}, {3, 4, 30}], ids=str)
async def test_shrinking_leaves_out_every_step_that_is_not_needed_to_break_it(
    needed: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [step for step in plan(4).steps if not step.seam][:50]
    wanted = {id(steps[place]) for place in needed}

    async def played(_: Stage, history: History) -> Played:
        broken = wanted <= {id(step) for step in history.steps}
        return Played(history, ["lost: name"] if broken else [], Counter(), operations=0, writes=0)

    monkeypatch.setattr(campaign, "play", played)
    shrunk = await campaign.shrink(cast("Stage", None), plan(4).keeping(steps), tries=100)
    assert {id(step) for step in shrunk.steps} == wanted
