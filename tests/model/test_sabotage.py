"""Each rule has its race: the line passes it, and without the rule it loses something, whatever else is varied."""

from collections.abc import Callable

import pytest

from tests.model import directed, rules, sabotage
from tests.model.history import Broken
from tests.model.pool import LeaveOut
from tests.model.stage import Stage, play

SEEDS = 10

RACES = [
    (sabotage.cursor_before_enqueue, directed.a_poller_dies_before_its_keys_are_on_a_lane),
    (rules.no_intent, directed.a_change_is_taken_back_before_its_write_lands),
    (rules.decided_by_value, directed.a_write_lands_and_its_answer_is_lost),
    (rules.no_fence, directed.a_change_is_taken_back_before_its_write_lands),
    (rules.no_second_look, directed.a_change_is_taken_back_between_reading_and_writing),
    (rules.no_precondition, directed.a_late_write_meets_a_newer_one),
    (sabotage.seven_days_to_live, directed.a_system_is_down_over_a_long_holiday),
    (sabotage.outage_counted_as_attempt, directed.a_system_is_down_for_a_hundred_tries),
    (sabotage.poison_parked_whole, directed.a_message_of_many_is_poisoned),
    (rules.identity_not_kept, directed.an_id_is_given_to_another_customer),
    (sabotage.deaths_side_by_side, directed.good_records_die_beside_a_bad_one),
    (sabotage.unparked_once, directed.a_record_is_mended_while_it_is_parked),
]


@pytest.mark.parametrize("race", dict.fromkeys(race for _, race in RACES), ids=lambda race: race.__name__)
def test_the_line_passes_the_race(race: Callable[[Stage], None]) -> None:
    for seed in range(SEEDS):
        play(race, seed)


@pytest.mark.parametrize(("leave_out", "race"), RACES, ids=lambda part: part.__name__)
def test_a_rule_left_out_loses_the_race_each_time(
    leave_out: LeaveOut, race: Callable[[Stage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    for seed in range(SEEDS):
        with pytest.raises(Broken):
            play(race, seed)
