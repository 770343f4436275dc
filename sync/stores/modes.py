"""Modes: which flows are observed or paused, and why. Without a row a flow is on.

Partition company, row flow, or `*` for the whole company: the stricter of the two holds.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from sync.stores.tables import Table

WHOLE = "*"
"""Stands for every flow of a company."""

KEPT = 5.0
"""Seconds for which what was read counts as known: so late may a worker of another process obey."""

type ModeCause = Literal["person", "identity", "brake"]


class Mode(StrEnum):
    """`observe`: everything but the target write; the ledger says what would have been written."""

    ON = "on"
    OBSERVE = "observe"
    PAUSED = "paused"

    @property
    def strictness(self) -> int:
        return list(Mode).index(self)


@dataclass(frozen=True)
class ModeSetting:
    """The mode of a flow or, with flow `*`, of a company; who or what set it, since when, and why in words.

    `beneath` is an observe that a pause was laid over: it holds again once the pause is lifted.
    """

    company: str
    flow: str
    mode: Mode
    cause: ModeCause | Literal[""] = ""
    text: str = ""
    since: str = ""
    by: str = ""
    beneath: "ModeSetting | None" = None

    @property
    def what(self) -> str:
        """Flow and company, in words."""
        return self.company if self.flow == WHOLE else f"{self.flow} of {self.company}"


class Modes:
    """All rows are read together and kept for `KEPT` seconds x `scale`: a message costs at most one storage call."""

    def __init__(self, table: Table, scale: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._keep = KEPT * scale
        self._clock = clock
        self._known: dict[tuple[str, str], ModeSetting] = {}
        self._until = float("-inf")

    async def of(self, company: str, flow: str = WHOLE, *, fresh: bool = False) -> ModeSetting:
        """What holds for a flow of a company; with `fresh`, as the table says now. Raises as storage does."""
        if fresh or self._clock() >= self._until:
            await self.list()
        on = ModeSetting(company, flow, Mode.ON)
        settings = (self._known.get((company, row), on) for row in (WHOLE, flow))
        return max(settings, key=lambda setting: setting.mode.strictness)

    async def list(self) -> list[ModeSetting]:
        """Whatever is not on, by company and flow, as the table says now."""
        rows = [_setting(json.loads(row["setting"])) async for row in self._table.query("")]
        self._known = {(setting.company, setting.flow): setting for setting in rows}
        self._until = self._clock() + self._keep
        return [self._known[key] for key in sorted(self._known)]

    async def set(
        self, company: str, flow: str, mode: Mode, cause: ModeCause, text: str, by: str = "GP365"
    ) -> ModeSetting:
        """Set a mode; what holds now. A pause stands, with its first cause, until it is set to `on`."""
        self._until = float("-inf")
        if mode is Mode.ON:
            return await self._lift(company, flow)
        now = datetime.now(UTC).isoformat()
        while True:  # lost: somebody else set it, so it is read again
            row = await self._table.get(company, flow)
            standing = _setting(json.loads(row["setting"])) if row else None
            if standing and (standing.mode is Mode.PAUSED or mode is standing.mode):
                return standing
            setting = ModeSetting(company, flow, mode, cause, text, now, by, beneath=standing)
            if await self._store(setting, row.metadata["etag"] if row else ""):  # type: ignore[attr-defined]
                return setting

    async def _lift(self, company: str, flow: str) -> ModeSetting:
        row = await self._table.get(company, flow)
        beneath = _setting(json.loads(row["setting"])).beneath if row else None
        if beneath:
            await self._table.put(_row(beneath))
        elif row:
            await self._table.delete(company, flow)
        return beneath or ModeSetting(company, flow, Mode.ON)

    async def _store(self, setting: ModeSetting, etag: str) -> str | None:
        return await (self._table.replace(_row(setting), etag) if etag else self._table.insert(_row(setting)))


def _row(setting: ModeSetting) -> dict[str, Any]:
    return {
        "PartitionKey": setting.company,
        "RowKey": setting.flow,
        "mode": setting.mode.value,
        "setting": json.dumps(asdict(setting), ensure_ascii=False),
    }


def _setting(stored: dict[str, Any]) -> ModeSetting:
    beneath = _setting(stored["beneath"]) if stored["beneath"] else None
    return ModeSetting(**{**stored, "mode": Mode(stored["mode"]), "beneath": beneath})
