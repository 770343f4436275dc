"""What may pass now: modes, and whether each side is still the environment that it was (promise 7)."""

from sync.errors import RetryLater
from sync.flow import Flow
from sync.stores.modes import Mode, Modes, ModeSetting


class Guard:
    """Asked before a message is worked and before a company is polled."""

    def __init__(self, modes: Modes) -> None:
        self._modes = modes

    async def admit(self, company: str, flow: Flow) -> Mode:
        """How a message of a flow may be worked now: `on` or `observe`. Raises RetryLater while it is paused."""
        return _unless_paused(await self._modes.of(company, flow.name))

    async def admit_poll(self, company: str) -> None:
        """Raises RetryLater while the whole company is paused: its cursors keep the place."""
        _unless_paused(await self._modes.of(company))


def _unless_paused(setting: ModeSetting) -> Mode:
    if setting.mode is Mode.PAUSED:
        raise RetryLater(f"{setting.what} is paused ({setting.cause}): {setting.text}", code="paused")
    return setting.mode
