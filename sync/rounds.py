"""Does one thing for every company at once. One that can't be served is left alone for a while, and costs the others
nothing."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sync.errors import SyncError
from sync.pauses import Pauses

AT_ONCE = 8
"""Companies served at the same time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Trouble:
    """How often in a row a company could not be served, with what words last, and until when it is left alone."""

    times: int
    words: str
    until: float


class Rounds:
    """Remembers, as long as the process lives, which companies are in trouble. `clock` counts seconds."""

    def __init__(self, pauses: Pauses, clock: Callable[[], float] = time.monotonic) -> None:
        self._pauses = pauses
        self._clock = clock
        self._troubles: dict[tuple[str, str], _Trouble] = {}

    async def each[T](self, what: str, companies: Sequence[str], work: Callable[[str], Awaitable[T]]) -> list[T]:
        """What `work` answers for every company that could be served. `what` names the work in the log.

        A failure is told once, when it begins or changes, and again when it is over. A paused company is asked each
        time: to find out costs nothing.
        """
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(company: str) -> list[T]:
            async with slots:
                return await self._try(what, company, work)

        due = [company for company in companies if self._is_due(what, company)]
        return [answer for answers in await asyncio.gather(*map(one, due)) for answer in answers]

    def _is_due(self, what: str, company: str) -> bool:
        trouble = self._troubles.get((what, company))
        return trouble is None or self._clock() >= trouble.until

    async def _try[T](self, what: str, company: str, work: Callable[[str], Awaitable[T]]) -> list[T]:
        try:
            answer = await work(company)
        except SyncError as error:
            level = logging.INFO if error.code == "paused" else logging.ERROR
            if self._note(what, company, f"{error.message} {error.next_step}", waits=error.code != "paused"):
                log.log(level, "%s of %s: %s %s", what, company, error.message, error.next_step)
            return []
        except Exception as error:
            if self._note(what, company, repr(error), waits=True):
                log.exception("%s of %s", what, company)
            return []
        if self._troubles.pop((what, company), None):
            log.info("%s of %s goes on.", what, company)
        return [answer]

    def _note(self, what: str, company: str, words: str, *, waits: bool) -> bool:
        """Whether this trouble is new."""
        before = self._troubles.get((what, company))
        times = before.times + 1 if before else 0
        until = self._clock() + self._pauses.next(times) if waits else 0.0
        self._troubles[what, company] = _Trouble(times, words, until)
        return before is None or before.words != words
