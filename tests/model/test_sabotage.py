"""Each rule has its race: the line passes it, and without the rule it loses something, whatever else is varied."""

from collections.abc import Callable

import pytest

from tests.model import both_directed, both_sabotage, both_stage, directed, rules, sabotage
from tests.model.both_stage import BothStage
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


BOTH_WAYS = [
    (both_sabotage.base_moved_for_unwritten_fields, both_directed.two_people_edit_different_fields),
    (both_sabotage.echo_by_user, both_directed.two_people_edit_different_fields),
    (both_sabotage.a_blank_is_a_value, both_directed.two_records_meet_of_which_each_has_a_blank),
    (both_sabotage.update_if_exists, both_directed.a_clerk_takes_the_id_that_very_second),
    (both_sabotage.no_precondition_in_gp, both_directed.a_clerk_edits_between_reading_and_writing),
    (both_sabotage.no_not_after, both_directed.an_edit_is_taken_back_before_its_write_lands_in_gp),
    (
        both_sabotage.the_other_directions_intent_settled,
        both_directed.an_edit_is_taken_back_after_its_write_landed_in_gp,
    ),
    (both_sabotage.an_empty_mark_is_anothers, both_directed.the_mark_of_a_write_is_emptied_before_it_is_settled),
    (
        both_sabotage.an_unknown_create_is_a_strangers,
        both_directed.a_new_customer_is_changed_beyond_recognition_before_it_is_settled,
    ),
    (both_sabotage.no_patience_with_gps_clock, both_directed.gps_clock_is_put_back),
    (both_sabotage.no_look_at_a_parked_row, both_directed.a_yes_is_carried_out_while_another_worker_parks_the_record),
    (rules.commit_without_etag, both_directed.a_worker_sleeps_before_its_commit_while_another_goes_on),
    (rules.a_delete_acts_at_first_sight, both_directed.a_customer_is_away_for_one_look),
    (rules.any_second_look_is_late_enough, both_directed.a_customer_is_away_while_its_message_comes_twice),
    (rules.a_mark_outlives_the_return, both_directed.a_customer_is_away_twice_and_seen_in_between),
]


@pytest.mark.parametrize("race", dict.fromkeys(race for _, race in BOTH_WAYS), ids=lambda race: race.__name__)
def test_the_line_passes_the_race_between_both_directions(race: Callable[[BothStage], None]) -> None:
    for seed in range(SEEDS):
        both_stage.play(race, seed)


@pytest.mark.parametrize(("leave_out", "race"), BOTH_WAYS, ids=lambda part: part.__name__)
def test_a_rule_left_out_loses_the_race_between_both_directions_each_time(
    leave_out: LeaveOut, race: Callable[[BothStage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    for seed in range(SEEDS):
        with pytest.raises(Broken):
            both_stage.play(race, seed)


def test_a_new_customer_whose_mark_is_emptied_before_it_is_settled_is_not_made_twice() -> None:
    for seed in range(SEEDS):
        both_stage.play(both_directed.the_mark_of_a_new_customer_is_emptied_before_it_is_settled, seed)
