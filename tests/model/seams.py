"""Where the line touches the world: every call has a seam before it and one after it, and the weather decides its fate.

No event loop: every await of the line ends in a seam, and the schedule decides who goes on.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.errors import BadSettings, RetryLater, SyncError
from sync.stores.tables import Operation
from tests.fakes import FakeTable


class Killed(BaseException):
    """The process dies here: nothing after this line runs, as with SIGKILL."""


@dataclass
class Seam:
    """A place where a worker can be stopped, or die: the name of a call, and whether it is before or after it."""

    call: str

    def __await__(self) -> Generator[str]:
        yield self.call


@dataclass
class Weather:
    """How the far ends behave. `trouble`: the chance per call and system. `down`: systems that answer nothing at all.

    A troubled call is cut before it was done, cut after it, or done later (`late`), when nobody waits for it any more.
    """

    rng: random.Random
    trouble: dict[str, float] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    planned: dict[str, list[str]] = field(default_factory=dict)
    """Fates of the next calls by name, for histories that are directed and not left to chance."""
    late: list[Callable[[], Any]] = field(default_factory=list)
    struck: int = 0

    def fate(self, system: str, call: str) -> str:
        """`""` for a call that is answered, else `before`, `after` or `late`."""
        fate = self._fate(system, call)
        self.struck += bool(fate)
        return fate

    def _fate(self, system: str, call: str) -> str:
        if self.planned.get(call):
            return self.planned[call].pop(0)
        if system in self.down:
            return "before"
        chance = self.trouble.get(system, 0.0)
        roll = self.rng.random() if chance else 1.0
        return ("before", "after", "late")[int(roll / chance * 3)] if roll < chance else ""

    def error(self, system: str) -> SyncError:
        """No answer; at times one that says why not."""
        roll = self.rng.random()
        if roll < 0.7:
            return RetryLater("no answer", code="system_unreachable", system=system)
        if roll < 0.9:
            return RetryLater("slow down", code="throttled", system=system, retry_after=600)
        return BadSettings("the right was taken away", code="right_missing", system=system)

    def clear(self) -> None:
        self.trouble.clear()
        self.down.clear()
        self.planned.clear()

    async def call[T](self, system: str, name: str, do: Callable[[], Awaitable[T]], *, late: bool = False) -> T:
        """Make one call under this weather. With `late` it may also be done after its caller gave up."""
        await Seam(f"{name} before")
        fate = self.fate(system, name)
        if fate == "before" or (fate == "late" and not late):
            raise self.error(system)
        if fate == "late":
            self.late.append(do)
            raise self.error(system)
        done = await do()
        await Seam(f"{name} after")
        if fate:
            raise self.error(system)
        return done


class SteppedTable(FakeTable):
    """A table whose every call has seams. Conditional writes may land late; unconditional ones only early or never."""

    def __init__(self, name: str, weather: Weather) -> None:
        super().__init__()
        self._name, self._weather = name, weather

    async def _call[T](self, call: str, do: Callable[[], Awaitable[T]], *, late: bool = False) -> T:
        return await self._weather.call("tables", f"{self._name}.{call}", do, late=late)

    async def get(self, partition: str, row: str) -> Any:
        return await self._call("read", lambda: FakeTable.get(self, partition, row))

    async def rows(self, partition: str, row_keys: Sequence[str], *rest: Any, **named: Any) -> Any:
        return await self._call("read", lambda: FakeTable.rows(self, partition, row_keys, *rest, **named))

    async def page(self, *arguments: Any) -> Any:
        return await self._call("read", lambda: FakeTable.page(self, *arguments))

    async def query(self, filter_: str, *_: Any) -> AsyncIterator[Any]:
        async def rows() -> list[Any]:
            return [row async for row in FakeTable.query(self, filter_)]

        for row in await self._call("read", rows):
            yield row

    async def put(self, entity: dict[str, Any]) -> None:
        await self._call("write", lambda: FakeTable.put(self, entity))

    async def insert(self, entity: dict[str, Any]) -> str | None:
        return await self._call("write", lambda: FakeTable.insert(self, entity), late=True)

    async def replace(self, entity: dict[str, Any], etag: str) -> str | None:
        return await self._call("write", lambda: FakeTable.replace(self, entity, etag), late=True)

    async def delete(self, partition: str, row: str) -> None:
        await self._call("write", lambda: FakeTable.delete(self, partition, row))

    async def transact(self, groups: Sequence[Sequence[Operation]]) -> list[list[str] | None]:
        if not groups:
            return []
        conditional = any(each[0] == "create" or len(each) == 3 for group in groups for each in group)
        return await self._call("write", lambda: FakeTable.transact(self, groups), late=conditional)


class IntentTable(SteppedTable):
    """The crosswalk; it remembers every intent ever stored: attempt -> (message, company, the source's key)."""

    def __init__(self, name: str, weather: Weather) -> None:
        super().__init__(name, weather)
        self.intents: dict[str, tuple[str, str, str]] = {}

    def _set(self, entity: dict[str, Any]) -> str:
        if text := entity.get("intent"):
            _, _, _, attempt, _, _, _, message, *_ = text.split('"', 8)
            key = entity["d365" if '"target":"gp"' in text else "key"]
            self.intents[attempt] = (message, entity["PartitionKey"].partition(".")[0], key)
        return super()._set(entity)


def done(call: Callable[[], Awaitable[Any]]) -> None:
    """Do a late call now: it has no seams of its own."""
    try:
        call().__await__().send(None)
    except StopIteration:
        return
    raise AssertionError("a late call may not wait")
