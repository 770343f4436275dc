"""A history follows from its seed, and a campaign strikes at everything."""

import json
from collections import Counter

from tests.chaos.plan import OPERATIONS, RECORDS, History, plan
from tests.chaos.troubles import BY_SEAM, TROUBLES

CAMPAIGN = [plan(seed) for seed in range(1000, 1200)]


def test_the_same_seed_plans_the_same_history() -> None:
    assert plan(4711) == plan(4711)
    assert plan(4711) != plan(4712)


def test_a_history_is_read_back_as_it_was_written_down() -> None:
    for history in CAMPAIGN[:20]:
        assert History.from_json(json.loads(json.dumps(history.to_json()))) == history


def test_a_campaign_of_200_plans_every_trouble_often_enough() -> None:
    """A restart, a restore or a copy surely happens when it is planned; any other may miss its crossing."""
    planned = Counter(step.seam for history in CAMPAIGN for step in history.steps if step.seam)
    enough = {trouble.seam: 20 if trouble.every > 1 else 24 if trouble.kills else 40 for trouble in TROUBLES}
    assert {seam for seam in BY_SEAM if planned[seam] < enough[seam]} == set()


def test_one_history_in_five_is_killed_and_half_of_them_begin_with_two_populated_sides() -> None:
    killed = [history for history in CAMPAIGN if any(BY_SEAM[step.seam].kills for step in history.steps if step.seam)]
    assert len(killed) == len(CAMPAIGN) // 5
    assert sum(history.populated for history in CAMPAIGN) == len(CAMPAIGN) // 2


def test_a_history_has_as_many_records_and_operations_as_it_should() -> None:
    for history in CAMPAIGN:
        people = [step for step in history.steps if not step.seam]
        assert RECORDS[0] <= len(history.partners) <= RECORDS[1]
        assert OPERATIONS[0] <= len(people) <= OPERATIONS[1]


def test_most_histories_are_short_and_some_are_as_long_as_they_may_be() -> None:
    lengths = [len([step for step in history.steps if not step.seam]) for history in CAMPAIGN]
    records = [len(history.partners) for history in CAMPAIGN]
    for counted, (least, most) in ((lengths, OPERATIONS), (records, RECORDS)):
        assert sum(counted) / len(counted) < least + (most - least) / 4
        assert min(counted) == least
        assert max(counted) > most * 0.9


def test_somebody_decides_before_most_is_done() -> None:
    for history in CAMPAIGN:
        people = [step for step in history.steps if not step.seam and step.kind != "make"]
        assert "decide" in {step.kind for step in people[: len(people) // 4 + 1]}


def test_partners_of_a_history_are_told_apart_by_their_names() -> None:
    for history in CAMPAIGN:
        tags = [partner.tag.casefold() for partner in history.partners]
        assert len(set(tags)) == len(tags)


def test_no_two_troubles_have_one_name() -> None:
    assert len(BY_SEAM) == len(TROUBLES)
