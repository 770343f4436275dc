"""Nothing is lost and nothing is sent twice, however late transactions commit and however small the pages are."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.systems.gp.position import Seen, Stamped, Tracked

_START = datetime(2027, 4, 12, 9)  # noqa: DTZ001
OVERLAP = timedelta(minutes=5)
KEYS = [f"C{number}" for number in range(8)]


def at(minutes: float) -> str:
    return (_START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


@dataclass
class Table:
    """Rows by key with their stamp; writes wait in `open` until their transaction commits."""

    rows: dict[str, str] = field(default_factory=dict)
    open: list[tuple[int, str, str]] = field(default_factory=list)

    def write(self, minute: int, key: str, late: int) -> None:
        if all(key != locked for _, locked, _ in self.open):
            self.open.append((minute + late, key, at(minute)))

    def commit(self, minute: int) -> None:
        for when, key, stamp in list(self.open):
            if when <= minute:
                self.rows[key] = stamp
                self.open.remove((when, key, stamp))

    def page(self, start: tuple[str, ...], limit: int) -> list[Seen]:
        places = sorted((stamp, key) for key, stamp in self.rows.items())
        return [Seen(*[stamp, (key,)]) for stamp, key in places if _beyond((stamp, key), start)][:limit]


def _beyond(place: tuple[str, str], start: tuple[str, ...]) -> bool:
    return place[0] >= start[0] if len(start) == 1 else place > start


@dataclass
class Follower:
    """Polls a table and counts what it was sent."""

    position: Stamped
    limit: int
    room: int
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def poll(self, table: Table, minute: float) -> bool:
        start, _ = self.position.start(OVERLAP)
        rows = table.page(start, self.limit)
        new, self.position = self.position.advance(rows, at(minute), OVERLAP, limit=self.limit, room=self.room)
        self.sent.update((row.key[0], str(row.at)) for row in new)
        return len(rows) == self.limit


# Each step: how many minutes pass, then writes (key, minutes until its commit; at most the overlap), then a poll or not.
_STEPS = st.lists(
    st.tuples(
        st.integers(0, 3), st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 5)), max_size=6), st.booleans()
    ),
    max_size=40,
)


def _play(steps: list[tuple[int, list[tuple[str, int]], bool]], limit: int, room: int) -> tuple[Table, Follower, set]:
    table, follower, seen = Table(), Follower(Stamped.new(at(0), OVERLAP), limit, room), set()
    minute = 1
    for passed, writes, polls in steps:
        minute += passed
        table.commit(minute)
        for key, late in writes:
            table.write(minute, key, late)
        table.commit(minute)
        if polls:
            follower.poll(table, minute)
    last = minute + 30
    table.commit(last)
    seen = set(table.rows.items())
    for extra in range(60):
        follower.poll(table, last + extra)
    return table, follower, seen


@given(_STEPS, st.integers(1, 5))
@settings(max_examples=300, deadline=None)
def test_no_change_is_lost_and_none_sent_twice(steps: list, limit: int) -> None:
    _, follower, final = _play(steps, limit, room=1000)
    assert final <= set(follower.sent)
    assert set(follower.sent.values()) <= {1}


@given(_STEPS, st.integers(1, 5), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_no_change_is_lost_when_memory_is_short(steps: list, limit: int, room: int) -> None:
    _, follower, final = _play(steps, limit, room)
    assert final <= set(follower.sent)
    assert len(follower.position.sent) <= room


def test_a_bulk_change_is_read_in_pages_and_sent_at_most_twice() -> None:
    table = Table(rows={f"B{number:05}": at(10) for number in range(5000)})
    follower = Follower(Stamped.new(at(9), OVERLAP), limit=500, room=200)
    assert all(follower.poll(table, 11) for _ in range(10))
    for minute in range(11, 90):
        follower.poll(table, minute)
    assert len(follower.sent) == 5000
    assert set(follower.sent.values()) <= {1, 2}
    assert len(follower.position.sent) <= 200


def test_a_late_commit_between_polls_is_seen_at_the_next_one() -> None:
    table = Table(rows={"A": at(10)})
    follower = Follower(Stamped.new(at(9), OVERLAP), limit=100, room=100)
    follower.poll(table, 11)
    table.rows["LATE"] = at(9.5)
    follower.poll(table, 12)
    assert follower.sent == Counter({("A", at(10)): 1, ("LATE", at(9.5)): 1})


def test_rows_that_were_there_when_the_feed_was_met_are_not_sent_but_late_ones_are() -> None:
    position = Stamped.new(at(10), OVERLAP)
    old, new = Seen(at(9), ("OLD",)), Seen(at(10.5), ("NEW",))
    sent, position = position.advance([old, new], at(11), OVERLAP, limit=100, room=100, known_until=at(10))
    assert sent == [new]
    late = Seen(at(9.5), ("LATE",))
    sent, _ = position.advance([old, late, new], at(12), OVERLAP, limit=100, room=100)
    assert sent == [late]


def test_a_feed_met_after_a_bulk_change_sends_none_of_it_and_all_that_follows() -> None:
    table = Table(rows={f"B{number:05}": at(9) for number in range(50)})
    position = Stamped.new(at(10), OVERLAP)
    rows = table.page(position.start(OVERLAP)[0], 20)
    sent, position = position.advance(rows, at(10.1), OVERLAP, limit=20, room=30, known_until=at(10))
    assert sent == []
    table.rows["NEW"] = at(10.05)
    follower = Follower(position, limit=20, room=100)
    for minute in range(11, 30):
        follower.poll(table, minute)
    assert follower.sent == Counter({("NEW", at(10.05)): 1})


def test_two_children_of_one_parent_are_remembered_apart() -> None:
    position = Stamped.new(at(10), OVERLAP)
    first, second = Seen(at(10.2), ("C1", "MAIN"), "C1"), Seen(at(10.1), ("C1", "WAREHOUSE"), "C1")
    _, position = position.advance([first], at(11), OVERLAP, limit=9, room=9)
    sent, _ = position.advance([second, first], at(12), OVERLAP, limit=9, room=9)
    assert sent == [second]


def test_a_row_stamped_in_the_future_hides_nothing_behind_it() -> None:
    table = Table(rows={"FUTURE": at(100_000)})
    follower = Follower(Stamped.new(at(9), OVERLAP), limit=100, room=0)
    follower.poll(table, 10)
    for minute in range(11, 40):
        table.rows[f"N{minute}"] = at(minute)
        follower.poll(table, minute + 0.5)
    assert {key for key, _ in follower.sent} == set(table.rows)


# Change Tracking


@dataclass
class TrackedTable:
    """The net change of each key since the start, at its last version."""

    version: int = 0
    changes: dict[str, int] = field(default_factory=dict)

    def commit(self, keys: list[str]) -> None:
        if keys:
            self.version += 1
            self.changes |= dict.fromkeys(keys, self.version)

    def page(self, position: Tracked, limit: int) -> list[Seen]:
        places = sorted((version, key) for key, version in self.changes.items() if version > position.since)
        start = (position.version, *position.after) if position.after else (position.version, "\uffff")
        return [Seen(version, (key,)) for version, key in places if (version, key) > start][:limit]


@given(st.lists(st.tuples(st.lists(st.sampled_from(KEYS), max_size=6), st.booleans()), max_size=30), st.integers(1, 4))
def test_change_tracking_loses_nothing_and_sends_each_version_once(steps: list, limit: int) -> None:
    table, position, sent = TrackedTable(), Tracked(version=0), Counter()

    def poll() -> Tracked:
        rows = table.page(position, limit)
        sent.update((row.key[0], row.at) for row in rows)
        further = position.advance(rows, table.version, 0, limit)
        assert further is not None
        return further

    for keys, polls in steps:
        table.commit(keys)
        position = poll() if polls else position
    for _ in range(20):
        position = poll()
    assert set(table.changes.items()) <= set(sent)
    assert set(sent.values()) <= {1}
    assert position == Tracked(version=table.version)


def test_cleaned_history_is_noticed() -> None:
    assert Tracked(version=5).advance([], 9, 6, 10) is None
    assert Tracked(version=5).advance([], 9, 5, 10) == Tracked(version=9)


def test_a_half_read_version_needs_the_version_before_it() -> None:
    assert Tracked(version=5, after=("A",)).advance([], 9, 5, 10) is None


def test_a_restored_older_database_is_noticed() -> None:
    assert Tracked(version=50).advance([], 9, 0, 10) is None


def test_a_table_without_history_any_more_is_noticed() -> None:
    assert Tracked(version=5).advance([], 9, None, 10) is None
