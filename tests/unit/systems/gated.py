"""An entrance that notes who passes and what each call heard."""

from typing import Any

from sync.gate import Passing


class Noted(Passing):
    def __init__(self, gate: "NotingGate") -> None:
        self._gate = gate

    def heard(self, **said: Any) -> None:
        self._gate.heard.append(said)

    def leave(self) -> None:
        self._gate.inside -= 1


class NotingGate:
    def __init__(self) -> None:
        self.inside = self.entered = 0
        self.heard: list[dict[str, Any]] = []

    async def enter(self) -> Passing:
        self.inside += 1
        self.entered += 1
        return Noted(self)
