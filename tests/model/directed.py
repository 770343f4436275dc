"""Directed histories: each is one race, the race that a rule of the line is there for."""

from datetime import timedelta

from tests.model.stage import Stage


def a_poller_dies_before_its_keys_are_on_a_lane(stage: Stage) -> None:
    stage.world.gp.type(stage.company, stage.key, CUSTNAME="New")
    poll = stage.world.poll(stage.company, stage.one)
    stage.world.run(poll, until="queues.send before")
    stage.world.kill(stage.one)


def a_change_is_taken_back_before_its_write_lands(stage: Stage) -> None:
    stage.arrived(CUSTNAME="Before")
    [change] = stage.type(CUSTNAME="After")
    stage.next_write("late")
    [again] = stage.work(change, stage.one)
    [back] = stage.type(CUSTNAME="Before")
    stage.pass_time()
    for lying in stage.rng.sample([again, back], 2):
        stage.work(lying, stage.other)
    stage.land()


def a_write_lands_and_its_answer_is_lost(stage: Stage) -> None:
    stage.arrived(CUSTNAME="Before")
    [change] = stage.type(CUSTNAME="After", ZIP="sw1a 1aa")
    stage.next_write("after")
    stage.work(change, stage.one)
    [other] = stage.type(CUSTNAME="After", ZIP="sw1a 1aa", PYMTRMID=None)
    stage.pass_time()
    stage.work(other, stage.other)


def a_change_is_taken_back_between_reading_and_writing(stage: Stage) -> None:
    stage.arrived(CUSTNAME="Before")
    [change] = stage.type(CUSTNAME="After")
    worker = stage.start(change, stage.one, until="gp.read after")
    [back] = stage.type(CUSTNAME="Before")
    stage.work(back, stage.other)
    stage.world.run(worker)


def a_late_write_meets_a_newer_one(stage: Stage) -> None:
    stage.arrived(CUSTNAME="First")
    [change] = stage.type(CUSTNAME="Second")
    stage.next_write("late")
    [again] = stage.work(change, stage.one)
    [newer] = stage.type(CUSTNAME="Third")
    stage.pass_time()
    for lying in (again, newer):
        stage.work(lying, stage.other)
    stage.land()


def a_system_is_down_over_a_long_holiday(stage: Stage) -> None:
    stage.world.weather.down.add("dataverse")
    [change] = stage.type(CUSTNAME="New")
    stage.work(change, stage.one)
    stage.pass_time(timedelta(days=8))


def a_system_is_down_for_a_hundred_tries(stage: Stage) -> None:
    stage.world.weather.down.add("dataverse")
    stage.type(CUSTNAME="New")
    for _ in range(100):
        stage.pass_time(stage.world.queues.until_next())
        for lying in stage.world.queues.ready():
            stage.work(lying, stage.one)
        stage.judge([f"parked: {row['code']}" for row in stage.world.tables.parked.entities.values()])


def a_message_of_many_is_poisoned(stage: Stage) -> None:
    """Whoever takes it dies before it is split."""
    stage.world.gp.type(stage.company, "B", CUSTNAME="Beside")
    [many] = stage.type(CUSTNAME="New")
    for _ in range(5):
        stage.start(many, stage.one, until="gp.read before" if not many.deliveries else "queues.send before")
        stage.world.kill(stage.one)
        stage.pass_time()
    stage.work(many, stage.one)


def an_id_is_given_to_another_customer(stage: Stage) -> None:
    stage.arrived(CUSTNAME="The first")
    stage.world.gp.delete(stage.company, stage.key)
    stage.type(CUSTNAME="Another")
    stage.world.settle_down()
    if stage.account().values["name"] != "The first":
        stage.judge(["the account was given to another customer"])


def good_records_die_beside_a_bad_one(stage: Stage) -> None:
    """Fetched together, each time: all of them come back when the claim of a dead process runs out."""
    stage.world.gp.type(stage.company, "B", CUSTNAME="Beside")
    beside = stage.poll()
    bad = stage.type(CUSTNAME="KILL")
    for _ in range(40):
        lying = [each for each in stage.world.queues.messages if each.visible <= stage.world.now]
        started = [stage.world.deliver(each, stage.one) for each in [*lying]]
        for worker in started:
            if worker in stage.world.workers:
                stage.world.run(worker, until="gp.read before")
        stage.world.run_all()
        stage.pass_time(stage.world.queues.until_next())
    assert beside
    assert bad


def a_record_is_mended_while_it_is_parked(stage: Stage) -> None:
    """One worker puts it on the list between the other's taking it off and saying so."""
    stage.type(CUSTNAME="New", PYMTRMID="Net 31")
    stage.world.settle_down()
    [bad] = stage.type(CUSTNAME="New", PYMTRMID="Net 31")
    parking = stage.start(bad, stage.one, until="parked.read before")
    [good] = stage.type(CUSTNAME="New")
    mending = stage.start(good, stage.other, until="parked.write after")
    stage.world.run(parking)
    stage.world.run(mending)
