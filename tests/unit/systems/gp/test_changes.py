"""All feeds in one round trip; whatever a feed can't tell leads to a full re-read, never to a gap."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sync.errors import BadSettings
from sync.mapping import Mapping
from sync.system import Change, Identity
from sync.systems.gp.changes import GpFeeds, Poll
from sync.systems.gp.client import Row
from sync.systems.gp.faults import FeedMoved

from .scripted import ScriptedClient, address, customer

TABLES = ["RM00101", "RM00102", "SY01200"]
NINE = datetime(2027, 4, 12, 9)  # noqa: DTZ001


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def facts(
    minutes: float, tracked: list[str], *, version: int | None = 10, stamped: list[str] = TABLES
) -> list[list[Row]]:
    """The answer to `discover`."""
    rows: list[Row] = [
        {"name": t, "stamp": "DEX_ROW_TS" if t in stamped else None, "tracked": 1 if t in tracked else None}
        for t in TABLES
    ]
    rights: Row = {f"r{i}": 1 for i in range(len(TABLES))}
    return [[{"server_time": at(minutes), "version": version}], rows, [rights]]


ENVIRONMENT: Row = {"server": "SQL01", "name": "TWO", "interid": "TWO  "}


def stamped(minutes: float, *feeds: list[Row]) -> list[list[Row]]:
    """The answer to a poll by timestamps, a list of rows for each of the three feeds."""
    return [[{"server_time": at(minutes), "version": None} | ENVIRONMENT], *(feeds or ([], [], []))]


def tracked(minutes: float, version: int, *feeds: list[Row], least: int | None = 0) -> list[list[Row]]:
    """The answer to a poll by Change Tracking."""
    minimums: Row = {f"m{i}": least for i in range(len(TABLES))}
    clock: Row = {"server_time": at(minutes), "version": version}
    return [[clock | ENVIRONMENT], *(feeds or ([], [], [])), [minimums]]


def customer_row(key: str, seen: object, operation: str = "U") -> Row:
    return {"k0": key, "p0": key, "seen": seen, "operation": operation}


def address_row(key: str, code: str, seen: object, operation: str = "U") -> Row:
    return {"k0": key, "k1": code, "p0": key, "seen": seen, "operation": operation}


def internet_row(key: str, seen: object, operation: str = "U") -> Row:
    return {"k0": "CUS", "k1": key, "k2": "MAIN", "p0": key, "seen": seen, "operation": operation}


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return customer()


async def polls(mapping: Mapping, *replies: object) -> tuple[list[Poll], ScriptedClient]:
    """Poll again and again from the beginning until the replies are used up; cursors travel as JSON."""
    client = ScriptedClient(*replies)  # type: ignore[arg-type]
    done, cursor = [], {}
    while client.replies:
        done.append(await GpFeeds(client).poll("TWO", [mapping], cursor))
        cursor = json.loads(json.dumps(done[-1].cursor))
    return done, client


async def test_first_poll_notes_the_place_and_sends_nothing(mapping: Mapping) -> None:
    old = customer_row("OLD            ", at(-1))
    (poll,), _ = await polls(mapping, facts(0, []), stamped(0, [old], [], []))
    assert poll.changes == {}
    assert poll.full_reread == set()
    assert poll.server_time == at(0).replace(tzinfo=UTC)


async def test_an_idle_poll_is_one_round_trip_and_leaves_the_cursor(mapping: Mapping) -> None:
    (first, second), client = await polls(mapping, facts(0, TABLES), tracked(0, 10), tracked(1, 12))
    assert len(client.asked) == 3
    assert second.cursor == first.cursor
    (first, second), client = await polls(mapping, facts(0, []), stamped(0), stamped(1))
    assert len(client.asked) == 3
    assert second.cursor == first.cursor


async def test_change_tracking_tells_changes_children_and_deletes(mapping: Mapping) -> None:
    (_, poll), client = await polls(
        mapping,
        facts(0, TABLES),
        tracked(0, 10),
        tracked(
            1,
            14,
            [customer_row("GONE           ", 11, "D"), customer_row("aaron          ", 12)],
            [address_row("GONE           ", "MAIN           ", 11, "D"), address_row("BAKER          ", "X", 13, "D")],
            [internet_row("CARTER                         ", 14)],
        ),
    )
    assert poll.changes["customer"] == [
        Change("gp.customer", "GONE", "change_tracking", deleted=True),
        Change("gp.customer", "AARON", "change_tracking"),
        Change("gp.customer", "BAKER", "change_tracking"),
        Change("gp.customer", "CARTER", "change_tracking"),
    ]
    assert "CUS" in client.asked[2][1]


async def test_timestamps_send_each_row_once(mapping: Mapping) -> None:
    row = customer_row("AARON          ", at(0.5))
    (_, poll, again), _ = await polls(
        mapping, facts(0, []), stamped(0), stamped(1, [row], [], []), stamped(2, [row], [], [])
    )
    assert poll.changes["customer"] == [Change("gp.customer", "AARON", "timestamp")]
    assert again.changes == {}


async def test_a_full_page_says_there_is_more_and_goes_on_behind_it(mapping: Mapping) -> None:
    page = [customer_row(f"K{n}", 11) for n in range(4)]
    (_, poll, rest), client = await polls(
        mapping,
        facts(0, TABLES),
        tracked(0, 10),
        tracked(1, 11, page, [], []),
        tracked(2, 11, [customer_row("K4", 11)], [], []),
    )
    assert poll.more
    assert not rest.more
    assert [change.key for change in rest.changes["customer"]] == ["K4"]
    assert client.asked[3][1][:5] == (4, 10, 11, 11, "K3")


async def test_a_look_back_longer_than_a_page_goes_on_behind_what_is_known(mapping: Mapping) -> None:
    rows = [customer_row(f"K{n}", at(0.5 + n / 100)) for n in range(6)]
    pages = [stamped(1 + n, page, [], []) for n, page in enumerate([rows[:4], rows[4:], rows[:4], rows[4:]])]
    (_, *later), client = await polls(mapping, facts(0, []), stamped(0), *pages)
    assert [len(poll.changes.get("customer", [])) for poll in later] == [4, 2, 0, 0]
    assert "K3" in client.asked[-1][1]
    assert [poll.more for poll in later] == [True, False, False, False]


async def test_cleaned_history_leads_to_a_full_reread_from_now_on(mapping: Mapping) -> None:
    (_, poll, after), client = await polls(
        mapping, facts(0, TABLES), tracked(0, 10), tracked(1, 99, least=50), tracked(2, 99, least=50)
    )
    assert poll.full_reread == {"customer"}
    assert after.full_reread == set()
    assert 99 in client.asked[3][1]


async def test_change_tracking_switched_off_falls_back_and_rereads(mapping: Mapping) -> None:
    off = FeedMoved("off", code="setting_missing")
    (_, poll), _ = await polls(mapping, facts(0, TABLES), tracked(0, 10), off, facts(1, [], version=None), stamped(1))
    assert poll.full_reread == {"customer"}
    assert {feed["mode"] for feed in poll.cursor["feeds"].values()} == {"timestamp"}


async def test_change_tracking_switched_on_is_found_within_the_hour(mapping: Mapping) -> None:
    (*_, last), client = await polls(mapping, facts(0, []), stamped(0), stamped(61), facts(62, TABLES), tracked(62, 10))
    assert last.full_reread == {"customer"}
    assert {feed["mode"] for feed in last.cursor["feeds"].values()} == {"change_tracking"}
    assert len(client.asked) == 5


async def test_a_table_that_tells_nothing_is_not_asked(mapping: Mapping) -> None:
    (poll,), client = await polls(mapping, facts(0, [], stamped=["RM00101"]), stamped(0, []))
    assert {feed["mode"] for feed in poll.cursor["feeds"].values()} == {"timestamp", "none"}
    assert "SY01200" not in client.asked[1][0]


async def test_a_table_that_is_not_there_is_never_passed_over_in_silence(mapping: Mapping) -> None:
    clock, rows, rights = facts(0, [])
    with pytest.raises(BadSettings, match="SY01200"):
        await polls(mapping, [clock, rows[:2], rights])


async def test_a_refusal_that_stays_is_raised(mapping: Mapping) -> None:
    refused = BadSettings("denied", code="right_missing")
    client = ScriptedClient(facts(0, []), refused)
    with pytest.raises(BadSettings, match="denied"):
        await GpFeeds(client).poll("TWO", [mapping], {})


async def test_a_server_clock_set_back_beyond_the_overlap_leads_to_a_full_reread_and_on(mapping: Mapping) -> None:
    bulk = [customer_row(f"K{n}", at(-1)) for n in range(4)]
    row = customer_row("AARON          ", at(-60))
    (_, poll, after), client = await polls(
        mapping, facts(0, []), stamped(0, bulk, [], []), stamped(-61), stamped(-59, [row], [], [])
    )
    assert poll.full_reread == {"customer"}
    assert [change.key for change in after.changes["customer"]] == ["AARON"]
    assert after.full_reread == set()
    assert "2027-04-12T07:54:00.000" in client.asked[-1][1]


async def test_a_blank_key_is_no_record(mapping: Mapping) -> None:
    (_, poll), _ = await polls(
        mapping, facts(0, TABLES), tracked(0, 10), tracked(1, 11, [customer_row("               ", 11)], [], [])
    )
    assert poll.changes == {}


async def test_a_cursor_that_is_none_is_told(mapping: Mapping) -> None:
    with pytest.raises(BadSettings, match="cursor"):
        await GpFeeds(ScriptedClient()).poll("TWO", [mapping], {"feeds": {"x": {"mode": "odd"}}})


async def test_a_cursor_stays_small_after_a_bulk_change(mapping: Mapping) -> None:
    client = ScriptedClient(facts(0, []), stamped(0))
    feeds = GpFeeds(client)
    poll = await feeds.poll("TWO", [mapping], {})
    for number in range(500):
        page = [customer_row(f"K{number:05}{n}", at(1)) for n in range(4)]
        addresses = [address_row(f"K{number:05}{n}", "PRIMARY        ", at(1)) for n in range(4)]
        internet = [internet_row(f"K{number:05}{n}", at(1)) for n in range(4)]
        client.replies.append(stamped(2, page, addresses, internet))
        poll = await feeds.poll("TWO", [mapping], poll.cursor)
        assert len(poll.changes["customer"]) == 4
    assert len(json.dumps(poll.cursor)) < 32_000


async def test_every_poll_tells_which_environment_answered_and_the_highest_version_known(mapping: Mapping) -> None:
    (first, second, third), client = await polls(
        mapping,
        facts(0, TABLES),
        tracked(0, 10),
        tracked(1, 12, [customer_row("AARON          ", 12)], [], []),
        tracked(2, 11),
    )
    assert first.identity == Identity("gp", {"server": "SQL01", "database": "TWO", "company": "TWO"}, 10, None)
    assert (second.identity.version, second.identity.seen, second.identity.went_back) == (12, 10, False)
    assert (third.identity.version, third.identity.seen, third.identity.went_back) == (11, 12, True)
    assert len(client.asked) == 4


async def test_without_change_tracking_no_version_is_told(mapping: Mapping) -> None:
    (_, poll), _ = await polls(mapping, facts(0, [], version=None), stamped(0), stamped(1))
    assert (poll.identity.version, poll.identity.went_back) == (None, False)


@pytest.mark.parametrize("feed", ["change_tracking", "timestamp"])
async def test_a_row_of_a_pair_with_a_key_of_two_columns_is_one_record(feed: str) -> None:
    def row(code: str, seen: object) -> Row:
        return {"k0": "aaron", "k1": code, "p0": "aaron", "p1": code, "seen": seen} | operation

    of_feed = feed == "change_tracking"
    operation: Row = {"operation": "D"} if of_feed else {}
    clock: Row = {"server_time": at(2), "version": 12} | ENVIRONMENT
    minimum: list[list[Row]] = [[{"m0": 0}]] if of_feed else []
    looked: Row = {"name": "RM00102", "stamp": "DEX_ROW_TS", "tracked": 1 if of_feed else None}
    began: list[list[Row]] = [[{"server_time": at(0), "version": 10}], [looked], [{"r0": 1}]]
    seen = [12, 12, 12] if of_feed else [at(1), at(1), at(1)]
    rows = [row("warehouse", seen[0]), row("A~B", seen[1]), row("", seen[2])]
    client = ScriptedClient(began, [[clock], [], *minimum], [[clock], rows, *minimum])
    feeds = GpFeeds(client)
    first = await feeds.poll("TWO", [address()], {})
    found = (await feeds.poll("TWO", [address()], first.cursor)).changes["address"]
    assert [(change.key, change.seen_by) for change in found] == [("AARON~WAREHOUSE", feed), ("AARON~A^~B", feed)]
    assert all(change.deleted is of_feed for change in found)
    assert "[CUSTNMBR] AS p0" in client.asked[-1][0]
    assert "[ADRSCODE] AS p1" in client.asked[-1][0]
