import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

YEARLY = "0 0 0 1 1 *"
EVERY_SECOND = "* * * * * *"


@pytest.fixture
def host_id():
    return f"timers-{uuid.uuid4().hex[:20]}"


async def status(hosts, host_id, function="tick"):
    blob = hosts.get_blob_client(f"timers/{host_id}/Host.Functions.{function}/status")
    return json.loads(await (await blob.download_blob()).readall())


async def record(hosts, host_id, last, following):
    blob = hosts.get_blob_client(f"timers/{host_id}/Host.Functions.tick/status")
    moments = {"Last": last, "Next": following, "LastUpdated": last}
    await blob.upload_blob(json.dumps({name: each.isoformat() for name, each in moments.items()}), overwrite=True)


def this_year(month=1, day=1):
    return datetime(datetime.now(UTC).year, month, day, tzinfo=UTC)


async def test_a_new_timer_only_writes_down_its_next_occurrence(start_timers, hosts, host_id):
    host = await start_timers(YEARLY, "--host-id", host_id)
    await host.invocations("at_start", "ok")
    host.terminate()
    assert await host.child.wait() == 0
    written = await status(hosts, host_id)
    assert written["Next"] == this_year().replace(year=this_year().year + 1).isoformat()
    assert written["Last"] == "0001-01-01T00:00:00+00:00"


async def test_missed_occurrences_are_made_up_for_once_and_marked_past_due(start_timers, hosts, host_id):
    last = this_year().replace(year=this_year().year - 3)
    missed = last.replace(year=last.year + 1)
    await record(hosts, host_id, last, missed)
    host = await start_timers(YEARLY, "--host-id", host_id)
    [run] = await host.invocations("tick", "failed")
    assert run["exception"] == f"ValueError: past due since {missed.isoformat()}"
    host.terminate()
    assert await host.child.wait() == 0
    written = await status(hosts, host_id)
    assert datetime.fromisoformat(written["Next"]) > datetime.now(UTC)


async def test_a_changed_schedule_is_not_made_up_for(start_timers, hosts, host_id):
    last = this_year().replace(year=this_year().year - 3)
    await record(hosts, host_id, last, last + timedelta(days=17))
    host = await start_timers(YEARLY, "--host-id", host_id)
    await host.invocations("at_start", "ok")
    host.terminate()
    assert await host.child.wait() == 0
    assert (await status(hosts, host_id))["Last"] == "0001-01-01T00:00:00+00:00"


async def test_a_timer_fires_on_its_schedule_without_a_status_below_a_minute(start_timers, hosts, host_id):
    host = await start_timers(EVERY_SECOND, "--host-id", host_id)
    runs = await host.invocations("tick", "ok", 2)
    first, second = (datetime.fromisoformat(each["started"]) for each in reversed(runs[:2]))
    assert first.replace(microsecond=0) != second.replace(microsecond=0)
    assert not await hosts.get_blob_client(f"timers/{host_id}/Host.Functions.tick/status").exists()


async def test_a_retry_policy_tries_again_and_tells_the_function(start_timers, host_id):
    host = await start_timers(YEARLY, "--host-id", host_id)
    assert (await host.run_by_hand("fragile")).status_code == 202
    runs = await host.invocations("fragile", "failed", 3)
    assert [each["exception"] for each in runs] == [f"ValueError: attempt {n}" for n in (2, 1, 0)]


async def test_hosts_of_one_id_share_a_timer_and_the_next_takes_over(start_timers, host_id):
    one = await start_timers(EVERY_SECOND, "--host-id", host_id)
    await one.invocations("tick", "ok")
    two = await start_timers(EVERY_SECOND, "--host-id", host_id)
    await one.invocations("tick", "ok", 3)
    assert await two.invocations("tick", count=0) == []
    one.terminate()
    assert await one.child.wait() == 0
    assert await two.invocations("tick", "ok")


async def test_a_killed_hosts_timer_fires_again_when_its_lock_has_run_out(start_timers, host_id):
    one = await start_timers(EVERY_SECOND, "--host-id", host_id)
    await one.invocations("tick", "ok")
    await one.child.kill()
    two = await start_timers(EVERY_SECOND, "--host-id", host_id)
    assert await two.invocations("tick", count=0) == []
    assert await two.invocations("tick", "ok")


async def test_hosts_of_different_ids_each_fire(start_timers, host_id):
    hosts = await asyncio.gather(*(start_timers(EVERY_SECOND, "--host-id", f"{host_id}-{n}") for n in "ab"))
    assert all([await host.invocations("tick", "ok") for host in hosts])
