"""What became of an earlier try: what landed is told once, by the message whose it was."""

from datetime import timedelta

from sync.stores.ledger import Result
from tests.fakes import later
from tests.unit.conftest import Rig
from tests.unit.test_pipeline import next_write_unanswered


async def test_a_create_that_lands_behind_the_next_try_is_told_once(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    first = next_write_unanswered(rig)
    message = await rig.send("A1")
    later(rig.crosswalk_table, timedelta(minutes=11))
    next_write_unanswered(rig)
    await rig.send("A1")
    rig.dataverse._one("TWO", rig.mapping, first[0])
    await rig.send(message=rig.lanes.sent[-1][1])
    created = [line.message_id for line in await rig.history("A1") if line.result is Result.CREATED]
    assert created == [message.message_id]
