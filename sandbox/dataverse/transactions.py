"""One unit of work: committed as a whole, its synchronous steps called before, its jobs started after."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from sandbox.dataverse.courier import Letter
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.hooks import Hooks


class _Undone(Exception):
    """The work was undone, since synchronous steps have to be told first; `error` when it had failed already."""

    def __init__(self, letters: list[Letter], error: DataverseError | None = None) -> None:
        super().__init__()
        self.letters, self.error = letters, error


class Transactions:
    """Runs work on the one connection to the rows.

    A synchronous step answers in its own time, and an open transaction would show others what is not committed. So
    the work is done, undone, and done again, with the same ids, once all steps have said yes. Other writes wait
    meanwhile, as they would for the locks of the real system, though here whichever row they are about.
    """

    def __init__(self, env: Environment, hooks: Hooks) -> None:
        self._env, self._hooks = env, hooks
        self._writing = asyncio.Lock()

    async def run[T](self, work: Callable[[], T]) -> T:
        """The result of the work, committed. Raises what the work raises, and DataverseError for a step that fails."""
        async with self._writing:
            try:
                return self._attempt(work)
            except _Undone as undone:
                await self._tell(undone)
            return self._attempt(work, told=True)

    def _attempt[T](self, work: Callable[[], T], *, told: bool = False) -> T:
        self._env.ids.rewind(keep=told)
        try:
            with self._env.store.transaction():
                result = work()
                if not told and (letters := self._hooks.due(self._env.moments)):
                    raise _Undone(letters)
                jobs = self._hooks.queue(self._env.moments)
        except DataverseError as error:
            letters = [] if told else self._hooks.due(self._env.moments)
            self._undo()
            if letters:
                raise _Undone(letters, error) from None
            raise
        except BaseException:
            self._undo()
            raise
        self._env.committed()
        self._hooks.start(jobs)
        return result

    def _undo(self) -> None:
        self._env.rolled_back()
        self._hooks.forget()

    async def _tell(self, undone: _Undone) -> None:
        """Call the steps. What was told before a failure is taken back by nobody."""
        if undone.error is None:
            await self._hooks.call(undone.letters)
            return
        with suppress(DataverseError):
            await self._hooks.call(undone.letters)
        raise undone.error
