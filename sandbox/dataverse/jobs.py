"""The asynchronous service: system jobs that carry webhooks after the commit, many at once and in no order."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from sandbox.dataverse.courier import Courier, Letter, Undelivered
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.steps import Step, Steps
from sandbox.dataverse.store import Row

NEW, WAITING, IN_PROGRESS, SUCCEEDED, FAILED, CANCELED = 0, 10, 20, 30, 31, 32
_READY, _SUSPENDED, _LOCKED, _COMPLETED = 0, 1, 2, 3
_STATES = {NEW: _READY, WAITING: _SUSPENDED, IN_PROGRESS: _LOCKED}
_AT_ONCE = 50


class Jobs:
    """The system jobs of one environment, each an `asyncoperation` row.

    In seconds: `delay` before a job is taken up, `postpone` until one that waits is tried again.
    """

    def __init__(self, env: Environment, steps: Steps, courier: Courier, delay: float, postpone: float) -> None:
        self._env, self._steps, self._courier = env, steps, courier
        self._delay, self._postpone = delay, postpone
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, letter: Letter, step: Step, depth: int) -> None:
        """Note a job in the running transaction; it starts when `start` is called after the commit."""
        now = self._env.now()
        row: Row = {
            "asyncoperationid": letter.job,
            "name": step.name,
            "operationtype": 1,
            "messagename": letter.message,
            "primaryentitytype": letter.table,
            "correlationid": letter.correlation,
            "depth": depth,
            "owningextensionid": letter.step,
            "retrycount": 0,
            "data": letter.model_dump_json(),
            "statecode": _READY,
            "statuscode": NEW,
            "createdon": now,
            "modifiedon": now,
            "createdby": self._env.system.id,
            "modifiedby": self._env.system.id,
        }
        self._env.store.insert(self._env.table("asyncoperation"), row)

    def start(self, job_ids: list[str]) -> None:
        """Carry these out, beside whatever else goes on."""
        for job_id in job_ids:
            task = asyncio.create_task(self._run(job_id))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logging.error("a system job crashed", exc_info=error)
            self._env.gaps.note("crash", f"system job: {error!r}")

    def resume(self) -> None:
        """Carry out the jobs that had not ended when the environment stopped or was copied."""
        rows = self._env.store.select('SELECT asyncoperationid FROM "asyncoperation" WHERE statecode <> 3')
        self.start([str(row["asyncoperationid"]) for row in rows])

    async def stop(self) -> None:
        """Leave the running jobs as they are."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until no job is waiting or in progress."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, job_id: str) -> None:
        await asyncio.sleep(self._delay)
        async with self._room:
            row = self._env.store.get(self._env.table("asyncoperation"), job_id)
            if row is None or row["statecode"] == _COMPLETED:
                return
            self._moved(job_id, IN_PROGRESS, startedon=self._env.now())
            waits = await self._carry(Letter.model_validate_json(str(row["data"])), again=row["retrycount"] != 0)
        if waits:
            await asyncio.sleep(self._postpone)
            await self._run(job_id)

    async def _carry(self, letter: Letter, *, again: bool) -> bool:
        """Carry a job out; True when it is to be tried once more later."""
        found = self._steps.get(letter.step)
        if found is None:
            self._ended(letter.job, CANCELED, "The step was unregistered before its job was carried out.")
            return False
        step, endpoint = found
        try:
            repeated = await self._courier.deliver(letter, endpoint)
        except Undelivered as error:
            return self._failed(letter, str(error), again=again)
        if step["asyncautodelete"]:
            self._env.store.delete(self._env.table("asyncoperation"), letter.job)
        else:
            self._ended(letter.job, SUCCEEDED, retrycount=repeated + again)
        return False

    def _failed(self, letter: Letter, text: str, *, again: bool) -> bool:
        if again or not self._env.switches.failed_jobs_wait:
            self._ended(letter.job, FAILED, text)
            return False
        until = datetime.now(UTC) + timedelta(seconds=self._postpone)
        self._moved(letter.job, WAITING, postponeuntil=until.strftime("%Y-%m-%dT%H:%M:%SZ"), retrycount=1, message=text)
        return True

    def _ended(self, job_id: str, status: int, text: str | None = None, **more: object) -> None:
        failed = {"friendlymessage": text, "message": text, "errorcode": -2147220891} if text else {}
        self._moved(job_id, status, completedon=self._env.now(), postponeuntil=None, data=None, **failed, **more)

    def _moved(self, job_id: str, status: int, **more: object) -> None:
        states: Row = {"statecode": _STATES.get(status, _COMPLETED), "statuscode": status}
        changes = {**states, "modifiedon": self._env.now(), **more}
        self._env.store.update(self._env.table("asyncoperation"), job_id, changes)
