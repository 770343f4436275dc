"""Directed histories of both directions: each is one race, the race that a rule of the line is there for."""

from datetime import timedelta

from tests.model.both_stage import BothStage


def two_people_edit_different_fields(stage: BothStage) -> None:
    stage.coupled()
    [by_gp] = stage.type(CUSTNAME="By a clerk")
    [by_rep] = stage.write(fax="+1 414-555-0111")
    for lying in (by_gp, by_rep):
        stage.work(lying, stage.one)
    stage.holds("name", "By a clerk")
    stage.holds("fax", "+1 414-555-0111")


def two_records_meet_of_which_each_has_a_blank(stage: BothStage) -> None:
    """GP leads, and holds no fax number."""
    [by_gp] = stage.type(CUSTNAME="Sam", PHONE1="41455501990000")
    [by_rep] = stage.write(name="Sam", accountnumber=stage.key, fax="+1 414-555-0100")
    for lying in stage.rng.sample([by_gp, by_rep], 2):
        stage.work(lying, stage.one)
    stage.holds("fax", "+1 414-555-0100")
    stage.holds("telephone1", "+1 414-555-0199")


two_records_meet_of_which_each_has_a_blank.rules = {"first_sync": "owner"}  # type: ignore[attr-defined]


def a_clerk_takes_the_id_that_very_second(stage: BothStage) -> None:
    [new] = stage.write(name="Sam", fax="+1 414-555-0100")
    worker = stage.start(new, stage.one, until="gp.write before")
    stage.type(CUSTNAME="Somebody else")
    stage.world.run(worker)
    stage.rest()
    stage.judge(
        [] if stage.customer().values["CUSTNAME"] == "Somebody else" else ["the clerk's customer was written over"]
    )


def a_clerk_edits_between_reading_and_writing(stage: BothStage) -> None:
    stage.coupled()
    [edit] = stage.write(name="By a rep")
    worker = stage.start(edit, stage.one, until="gp.write before")
    stage.type(CUSTNAME="By a clerk")
    stage.world.run(worker)
    stage.holds("name", "By a clerk")


def an_edit_is_taken_back_before_its_write_lands_in_gp(stage: BothStage) -> None:
    stage.coupled()
    [edit] = stage.write(fax="+1 414-555-0111")
    stage.next_call("gp.write", "late")
    stage.work(edit, stage.one)
    stage.pass_time()
    stage.write(fax="+1 414-555-0100")
    for lying in [*stage.world.queues.messages]:
        stage.work(lying, stage.other)
    stage.land()
    stage.holds("fax", "+1 414-555-0100")


def an_edit_is_taken_back_after_its_write_landed_in_gp(stage: BothStage) -> None:
    """The answer was lost; GP's own event of that write is worked before the message comes again."""
    stage.coupled()
    [edit] = stage.write(fax="+1 414-555-0111")
    stage.next_call("gp.write", "after")
    [again] = stage.work(edit, stage.one)
    [echo] = stage.poll()
    [back] = stage.write(fax="+1 414-555-0100")
    stage.pass_time()
    stage.work(echo, stage.other)
    for lying in (back, again):
        stage.work(lying, stage.other)
    stage.holds("fax", "+1 414-555-0100")


def the_mark_of_a_write_is_emptied_before_it_is_settled(stage: BothStage) -> None:
    """And the edit it brought was taken back meanwhile."""
    stage.coupled()
    [edit] = stage.write(fax="+1 414-555-0111")
    stage.next_call("gp.write", "after")
    stage.work(edit, stage.one)
    stage.world.gp.unmark(stage.company, stage.key)
    stage.write(fax="+1 414-555-0100")
    stage.holds("fax", "+1 414-555-0100")


def the_mark_of_a_new_customer_is_emptied_before_it_is_settled(stage: BothStage) -> None:
    [new] = stage.write(name="Sam", fax="+1 414-555-0100")
    stage.next_call("gp.write", "after")
    stage.work(new, stage.one)
    stage.world.gp.unmark(stage.company, stage.key)
    stage.rest()
    here = [key for company, key in stage.world.gp.records if company == stage.company and key.startswith("SAM")]
    stage.judge([] if here == [stage.key] else [f"the account has become {here}"])


def a_new_customer_is_changed_beyond_recognition_before_it_is_settled(stage: BothStage) -> None:
    [new] = stage.write(name="Sam", fax="+1 414-555-0100")
    stage.next_call("gp.write", "after")
    stage.work(new, stage.one)
    stage.type(CUSTNAME="By a clerk", FAX="41455501990000", PHONE1="41455501980000", HOLD=1, INACTIVE=1)
    stage.world.gp.unmark(stage.company, stage.key)
    stage.rest()
    here = [key for company, key in stage.world.gp.records if company == stage.company and key.startswith("SAM")]
    stage.judge([] if here == [stage.key] else [f"the account has become {here}"])
    of_it = [row for row in stage.world.dataverse.rows.values() if row.values["accountnumber"] == stage.key]
    stage.judge([f"{stage.key} has become {len(of_it)} accounts"] if of_it else [])


def gps_clock_is_put_back(stage: BothStage) -> None:
    """By a few minutes, once a write was given up; the edit it brought was taken back."""
    stage.coupled()
    stage.world.gp.ahead = timedelta(minutes=4)
    stage.pass_time(timedelta())
    [edit] = stage.write(fax="+1 414-555-0111")
    stage.next_call("gp.write", "late")
    stage.work(edit, stage.one)
    stage.pass_time(timedelta(minutes=11))
    stage.write(fax="+1 414-555-0100")
    for lying in [*stage.world.queues.messages]:
        stage.work(lying, stage.other)
    stage.world.gp.ahead = timedelta()
    stage.pass_time(timedelta())
    stage.land()
    stage.holds("fax", "+1 414-555-0100")


def a_customer_is_away_for_one_look(stage: BothStage) -> None:
    stage.coupled()
    stage.vanish()
    [gone] = stage.poll()
    stage.work(gone, stage.one)
    stage.world.customers.back()


def a_customer_is_away_while_its_message_comes_twice(stage: BothStage) -> None:
    stage.coupled()
    stage.vanish()
    [gone] = stage.poll()
    for again in stage.work(gone, stage.one):
        stage.work(again, stage.other)
    stage.world.customers.back()


def a_customer_is_away_twice_and_seen_in_between(stage: BothStage) -> None:
    stage.coupled()
    for _ in range(2):
        stage.vanish()
        [gone] = stage.poll()
        stage.work(gone, stage.one)
        stage.world.customers.back()
        [there] = stage.poll()
        stage.work(there, stage.other)
        stage.pass_time()


def a_yes_is_carried_out_while_another_worker_parks_the_record(stage: BothStage) -> None:
    [new] = stage.write(name="Sam", fax="+1 414-555-0100")
    stage.work(new, stage.one)
    [again] = stage.write(fax="+1 414-555-0111")
    parking = stage.start(again, stage.one, until="parked.read before")
    [approved] = stage.decide("d365")
    stage.work(approved, stage.other)
    stage.world.run(parking)


a_yes_is_carried_out_while_another_worker_parks_the_record.rules = {"approve": "create"}  # type: ignore[attr-defined]


def a_worker_sleeps_before_its_commit_while_another_goes_on(stage: BothStage) -> None:
    """And what its commit speaks of is old by then; a user types just that once more."""
    stage.coupled()
    [first] = stage.write(fax="+1 414-555-0111")
    sleeper = stage.start(first, stage.one, until="ledger.write after")
    stage.pass_time()
    stage.write(fax="+1 414-555-0122")
    while lying := next((each for each in stage.world.queues.messages if each is not first), None):
        stage.work(lying, stage.other)
    stage.write(fax="+1 414-555-0111")
    stage.world.run(sleeper)
    stage.holds("fax", "+1 414-555-0111")
