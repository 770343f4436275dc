"""Which registered steps a write calls: synchronous ones before the commit, asynchronous ones as system jobs."""

import uuid

from sandbox.dataverse import errors
from sandbox.dataverse.context import NO_ID, Contexts, serialised
from sandbox.dataverse.courier import Courier, Letter, Undelivered
from sandbox.dataverse.environment import Environment, Moment
from sandbox.dataverse.events import Event, bulk_events, events_of, stages
from sandbox.dataverse.jobs import Jobs
from sandbox.dataverse.registration import ASYNCHRONOUS, POST_OPERATION
from sandbox.dataverse.steps import REGISTRATION, Step, Steps

_SYNCHRONOUS = 0


class Hooks:
    """The webhooks of one environment."""

    def __init__(self, env: Environment, steps: Steps, courier: Courier, jobs: Jobs) -> None:
        self._env, self._steps, self._courier, self._jobs = env, steps, courier, jobs
        self._contexts = Contexts(env)

    def due(self, moments: list[Moment]) -> list[Letter]:
        """What synchronous steps are to be told of these writes, in order."""
        found = [
            self._letter(step, event)
            for moment in moments
            for stage in stages(done=moment.done)
            for event in events_of(moment.change, stage, self._env.switches)
            for step in self._called(event, stage, _SYNCHRONOUS)
        ]
        bulk = bulk_events(moment.change for moment in moments if moment.done)
        return found + [
            self._letter(step, event) for event in bulk for step in self._called(event, POST_OPERATION, _SYNCHRONOUS)
        ]

    async def call(self, letters: list[Letter]) -> None:
        """Tell synchronous steps. Raises DataverseError 0x80040265 when one of them fails: all is to be undone."""
        for letter in letters:
            found = self._steps.get(letter.step)
            assert found is not None
            try:
                await self._courier.deliver(letter, found[1])
            except Undelivered as error:
                raise errors.plugin_threw(str(error)) from None

    def queue(self, moments: list[Moment]) -> list[str]:
        """Make the system jobs of the asynchronous steps, in the running transaction; their ids."""
        changes = [moment.change for moment in moments if moment.done]
        if any(change.table.name in REGISTRATION for change in changes):
            self._steps.forget()
        events = [event for c in changes for event in events_of(c, POST_OPERATION, self._env.switches)]
        ids = []
        for event in [*events, *bulk_events(changes)]:
            for step in self._called(event, POST_OPERATION, ASYNCHRONOUS):
                letter = self._letter(step, event)
                self._jobs.add(letter, step, event.change.depth)
                ids.append(letter.job)
        return ids

    def start(self, job_ids: list[str]) -> None:
        """Carry out jobs whose transaction is committed."""
        self._jobs.start(job_ids)

    def forget(self) -> None:
        """Read the registered steps again: a transaction that may have changed them was undone, or all was restored."""
        self._steps.forget()

    def _called(self, event: Event, stage: int, mode: int) -> list[Step]:
        steps = self._steps.of(event.message, event.change.table.name, stage, mode)
        return [step for step in steps if not step.filtering or step.filtering & event.sent]

    def _letter(self, step: Step, event: Event) -> Letter:
        job = str(uuid.uuid4()) if step.mode == ASYNCHRONOUS else ""
        body, stripped = serialised(self._contexts.of(step, event, job or NO_ID))
        change = event.change
        return Letter(
            step=step.id,
            message=event.message,
            table=event.entity,
            row=change.row_id,
            correlation=change.origin.correlation,
            body=body.decode("utf-8", "surrogatepass"),
            stripped=stripped,
            job=job,
        )
