"""The timer trigger: one listener for each function, on one host at a time, with catch-up and retries."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from sandbox.host.functions import Function
from sandbox.host.invocations import Invocations
from sandbox.host.lease import Lease
from sandbox.host.pace import Backoff, Pace, first_of
from sandbox.host.schedule import Schedule, Status, after_run, at_start
from sandbox.host.worker import Answer

# Clocks step and machines sleep: a long wait is looked at again this often.
LONGEST_WAIT = 60.0
log = logging.getLogger("host.timers")


class TimerListener:
    """Fires `function` on its schedule; the status lies in `container` under the host id."""

    def __init__(
        self,
        *,
        function: Function,
        schedule: Schedule,
        container: ContainerClient,
        host_id: str,
        pace: Pace,
        invocations: Invocations,
        types: Any,
    ) -> None:
        self._function = function
        self._schedule = schedule
        self._blob = container.get_blob_client(f"timers/{host_id}/{function.full_name}/status")
        self._lease = Lease(container, f"locks/{host_id}/{function.full_name}.Listener", pace)
        self._pace = pace
        self._invocations = invocations
        self._types = types
        wanted = function.trigger.get("useMonitor", True)
        self._monitored = wanted and not schedule.is_short(datetime.now(UTC))
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Hold the lock and fire until `stop`, then wait for a run under way."""
        while await self._lease.acquire(self._stopping):
            try:
                await self._fire_while_held()
            except AzureError:
                log.exception("timer %s: starting anew", self._function.name)
            finally:
                await self._lease.release()
            await first_of(self._stopping, seconds=self._pace.seconds(1))

    async def run_now(self) -> Answer:
        """Run once outside the schedule, which it leaves alone: the admin route."""
        return await self._invoke(await self._read() if self._monitored else None, past_due=False)

    async def _fire_while_held(self) -> None:
        status = await self._start()
        past_due = datetime.now(UTC) > status.next
        if past_due or self._function.trigger.get("runOnStartup"):
            status = await self._fire(status, past_due=past_due, on_schedule=False)
        while not await self._ended_before(status.next):
            status = await self._fire(status, past_due=False, on_schedule=True)

    async def _start(self) -> Status:
        recorded = await self._read() if self._monitored else None
        status = at_start(recorded, self._schedule, datetime.now(UTC))
        if status != recorded:
            await self._record(status)
        return status

    async def _ended_before(self, moment: datetime) -> bool:
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
            if await first_of(self._stopping, self._lease.lost, seconds=min(left, LONGEST_WAIT)):
                return True
        return self._stopping.is_set() or self._lease.lost.is_set()

    async def _fire(self, status: Status, *, past_due: bool, on_schedule: bool) -> Status:
        began = datetime.now(UTC)
        await self._invoke(status if self._monitored else None, past_due=past_due)
        status = after_run(status, self._schedule, began, on_schedule=on_schedule)
        await self._record(status)
        return status

    async def _invoke(self, status: Status | None, *, past_due: bool) -> Answer:
        """One run with its retries: the count is kept in memory only, as in the host."""
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.to_json() if status else None,
            "IsPastDue": past_due,
        }
        data = self._types.TypedData(json=json.dumps(info))
        answer = await self._invocations.run(self._function, data, "timer")
        return await self._retry(data, answer) if answer.error and self._function.retry else answer

    async def _retry(self, data: Any, answer: Answer) -> Answer:
        policy, attempt = self._function.retry, 0
        assert policy
        backoff = Backoff(policy.shortest, policy.longest)
        while answer.error and attempt != policy.most:
            if await first_of(self._stopping, seconds=self._pace.seconds(backoff.next())):
                break
            attempt += 1
            failure = self._types.RpcException(message=answer.error, stack_trace=answer.trace)
            retry = self._types.RetryContext(retry_count=attempt, max_retry_count=policy.most, exception=failure)
            answer = await self._invocations.run(self._function, data, "timer", retry=retry)
        return answer

    async def _read(self) -> Status | None:
        try:
            return Status.from_json(await (await self._blob.download_blob()).readall())
        except ResourceNotFoundError:
            return None

    async def _record(self, status: Status) -> None:
        if not self._monitored:
            return
        try:
            await self._blob.upload_blob(json.dumps(status.to_json()), overwrite=True)
        except AzureError:
            log.exception("timer %s: its status was not stored", self._function.name)
