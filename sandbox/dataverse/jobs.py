"""The asynchronous service: system jobs that carry webhooks after the commit, many at once and in no order."""

import asyncio

from sandbox.dataverse.courier import Courier, Letter, Undelivered
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.steps import Step, Steps
from sandbox.dataverse.store import Row

WAITING, IN_PROGRESS, SUCCEEDED, FAILED, CANCELED = 0, 20, 30, 31, 32
_READY, _LOCKED, _COMPLETED = 0, 2, 3
_STATES = {WAITING: _READY, IN_PROGRESS: _LOCKED}
_AT_ONCE = 50


class Jobs:
    """The system jobs of one environment, each an `asyncoperation` row. `delay` in seconds before each is taken up."""

    def __init__(self, env: Environment, steps: Steps, courier: Courier, delay: float) -> None:
        self._env, self._steps, self._courier, self._delay = env, steps, courier, delay
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
            "statuscode": WAITING,
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
            task.add_done_callback(self._tasks.discard)

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
        async with self._room:
            await asyncio.sleep(self._delay)
            row = self._env.store.get(self._env.table("asyncoperation"), job_id)
            if row is None or row["statecode"] == _COMPLETED:
                return
            self._moved(job_id, IN_PROGRESS, startedon=self._env.now())
            await self._carry(Letter.model_validate_json(str(row["data"])))

    async def _carry(self, letter: Letter) -> None:
        found = self._steps.get(letter.step)
        if found is None:
            self._ended(letter.job, CANCELED, "The step was unregistered before its job was carried out.")
            return
        step, endpoint = found
        try:
            again = await self._courier.deliver(letter, endpoint)
        except Undelivered as error:
            self._ended(letter.job, FAILED, str(error))
            return
        if step["asyncautodelete"]:
            self._env.store.delete(self._env.table("asyncoperation"), letter.job)
        else:
            self._ended(letter.job, SUCCEEDED, retrycount=again)

    def _ended(self, job_id: str, status: int, text: str | None = None, **more: object) -> None:
        failed = {"friendlymessage": text, "message": text, "errorcode": -2147220891} if text else {}
        self._moved(job_id, status, completedon=self._env.now(), data=None, **failed, **more)

    def _moved(self, job_id: str, status: int, **more: object) -> None:
        states: Row = {"statecode": _STATES.get(status, _COMPLETED), "statuscode": status}
        changes = {**states, "modifiedon": self._env.now(), **more}
        self._env.store.update(self._env.table("asyncoperation"), job_id, changes)
