"""How many messages the lanes still take: polls may fill them, loads only half of them."""

from sync.flow import find_flows
from sync.sender import Sender
from tests.fakes import FakeLanes
from tests.unit.conftest import FLOW


async def test_the_lane_and_its_twin_share_one_depth_and_loads_take_half_of_it() -> None:
    lanes, flow = FakeLanes(), find_flows()[FLOW]
    lanes.depth |= {flow.lane: 3, flow.bulk_lane: 40}
    sender = Sender(lanes, 100)  # type: ignore[arg-type]
    assert (await sender.room(flow), await sender.bulk_room(flow)) == (57, 7)


async def test_it_tells_how_many_messages_the_keys_took() -> None:
    lanes, flow = FakeLanes(), find_flows()[FLOW]
    sender = Sender(lanes, 100)  # type: ignore[arg-type]
    keys = [f"C{number}" for number in range(501)]
    assert await sender.send(flow, "TWO", keys[:101], "timestamp") == 2
    assert await sender.send(flow, "TWO", keys, "timestamp") == 3
    assert [lane for lane, _, _ in lanes.sent] == [flow.lane] * 2 + [flow.bulk_lane] * 3
    assert await sender.send_bulk(flow, "TWO", [], "sweep") == 0


async def test_what_a_delta_tells_shares_as_few_messages_as_can_be() -> None:
    lanes, flow = FakeLanes(), find_flows()[FLOW]
    sender = Sender(lanes, 100)  # type: ignore[arg-type]
    keys = [f"C{number}" for number in range(1_000)]
    assert await sender.send(flow, "TWO", keys[:500], "delta") == 1
    assert await sender.send(flow, "TWO", keys, "delta") == 2
