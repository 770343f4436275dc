"""Service protection limits, on a clock of our own."""

import pytest

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.limits import Limits
from tests.sandbox.dataverse.helpers import error


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def spend(limits, times, seconds=0.0):
    for _ in range(times):
        limits.enter("u", 0)
        limits.leave("u", 0, seconds)


def refused(limits):
    with pytest.raises(DataverseError) as caught:
        limits.enter("u", 0)
    return caught.value


def test_requests_above_6000_in_300_seconds_are_refused_until_the_window_has_moved():
    clock = Clock()
    limits = Limits(clock=clock)
    spend(limits, 6000)
    found = refused(limits)
    assert (found.status, found.code, found.headers["Retry-After"]) == (429, "0x80072322", "300")
    assert "limit of 6000 over time window of 300 seconds" in found.message
    clock.now += 300
    limits.enter("u", 0)


def test_retry_after_grows_for_one_who_ignores_it():
    clock = Clock()
    limits = Limits(scale=0.001, clock=clock)
    spend(limits, 6)
    clock.now += 290
    waits = [int(refused(limits).headers["Retry-After"]) for _ in range(30)]
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    clock.now += 300
    spend(limits, 6)
    clock.now += 290
    assert int(refused(limits).headers["Retry-After"]) == waits[0]


def test_execution_time_above_1200_seconds_is_refused():
    limits = Limits(clock=Clock())
    spend(limits, 3, seconds=500)
    found = refused(limits)
    assert found.code == "0x80072321"
    assert "1,200,000 milliseconds" in found.message


def test_more_than_52_at_once_are_refused_at_once_and_briefly():
    limits = Limits(clock=Clock())
    for _ in range(52):
        limits.enter("u", 0)
    found = refused(limits)
    assert (found.code, found.headers["Retry-After"]) == ("0x80072326", "1")
    limits.leave("u", 0, 0)
    limits.enter("u", 0)


def test_each_server_and_each_user_counts_alone():
    limits = Limits(scale=0.001, servers=2, clock=Clock())
    spend(limits, 6)
    refused(limits)
    limits.enter("u", 1)
    limits.enter("other", 0)
    assert limits.server("1") == 1
    assert {limits.server(None) for _ in range(100)} == {0, 1}


async def test_a_429_carries_its_headers_and_executes_nothing(started):
    client = await started(limit_scale=0.0005)
    for left in ("2", "1", "0"):
        answer = await client.post("accounts", json={"name": "A"})
        assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == left
        assert answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"].count(".") == 1
    answer = await client.post("accounts", json={"name": "A"})
    error(answer, 429, "0x80072322")
    assert int(answer.headers["Retry-After"]) > 200
    assert len((await client.door.get("/rows/accounts")).json()) == 3
    assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "0"
    assert (await client.door.get("/counts")).json()["429"] == 1


async def test_limits_come_after_sign_in_and_before_all_else_and_refused_requests_count(started):
    client = await started(limit_scale=0.0005)
    for _ in range(2):
        assert (await client.get("WhoAmI", headers={"Authorization": ""})).status_code == 401
    for answer in (
        await client.get("WhoAmI", headers={"Accept": "image/png"}),
        await client.get("nosuch"),
        await client.post("$batch", content="x"),
    ):
        assert answer.status_code in {406, 404, 400}
        assert "x-ms-ratelimit-burst-remaining-xrm-requests" in answer.headers
    error(await client.get("WhoAmI", headers={"Accept": "image/png"}), 429, "0x80072322")
    assert (await client.get("WhoAmI", headers={"Authorization": ""})).status_code == 401
