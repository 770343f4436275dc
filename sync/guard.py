"""What may pass now: modes, and whether each side is still the environment that it was (promise 7)."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace

from sync.errors import RetryLater
from sync.flow import Flow
from sync.stores.identities import Identities
from sync.stores.modes import WHOLE, Mode, Modes, ModeSetting
from sync.system import Identity

LOOK_EVERY = 300.0
"""Seconds between two looks at which environment a target is."""

STRANGE = 60.0
"""Seconds for which a caller that is not known stays unknown: a stranger costs storage nothing."""

log = logging.getLogger(__name__)


class Guard:
    """Asked before a message is worked, before a company is polled, and before what a poll brought is sent.

    `targets` tell which environment those systems are now that no poll tells of.
    """

    def __init__(
        self,
        modes: Modes,
        identities: Identities,
        targets: Table[str, Callable[[], Awaitable[Identity]]],
        companies: Sequence[str],
        scale: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._modes = modes
        self._identities = identities
        self._targets = targets
        self._companies = companies
        self._every = LOOK_EVERY * scale
        self._clock = clock
        self._looked: dict[str, float] = {}
        self._strange = STRANGE * scale
        self._asked: dict[str, float] = {}

    async def admit(self, company: str, flow: Flow) -> Mode:
        """How a message of a flow may be worked now: `on` or `observe`. Raises RetryLater while it is paused.

        Dataverse is looked at when this process first uses it, and then every five minutes. Raises as it does. GP tells
        with every poll.
        """
        mode = _unless_paused(await self._modes.of(company, flow.name))
        looked = [await self._look_at(system) for system in (flow.source, flow.target) if system in self._targets]
        if any(looked):
            mode = _unless_paused(await self._modes.of(company, flow.name))
        return mode

    async def admit_poll(self, company: str) -> None:
        """Raises RetryLater while the whole company is paused: its cursors keep the place."""
        _unless_paused(await self._modes.of(company))

    async def recognise(self, company: str, identity: Identity) -> None:
        """Remember an environment that is met for the first time; pause the company at another one.

        Raises RetryLater with the explanation when it is another one.
        """
        if text := await self._suspect(company, identity):
            raise RetryLater(text, code="identity_changed", system=identity.system)

    async def knows(self, identity: Identity) -> bool:
        """Whether an environment that calls us is the one that some company has met. Where none was met yet, the one
        that the settings lead to is met first. Raises as `admit` does.
        """
        if await self._met(identity, fresh=False):
            return True
        system, now = identity.system, self._clock()
        if system in self._asked and self._asked[system] + self._strange > now:
            return False
        if not await self._known(system, fresh=True):
            await self._look_at(system)
        self._asked[system] = now
        return await self._met(identity, fresh=True)

    async def _met(self, identity: Identity, *, fresh: bool) -> bool:
        return any(_same(known, identity.facts) for known in await self._known(identity.system, fresh=fresh))

    async def _known(self, system: str, *, fresh: bool) -> list[dict[str, str]]:
        """What the companies keep of a side, those that have met it."""
        found = [await self._identities.known(company, system, fresh=fresh) for company in self._companies]
        return [known for known in found if known is not None]

    async def difference(self, company: str, identity: Identity) -> str:
        """How an environment differs from what it was, in words; blank when it doesn't, or was never met."""
        known: dict[str, str] = {}
        for fresh in (False, True):  # a person may have accepted it meanwhile, in another process
            known = await self._identities.known(company, identity.system, fresh=fresh) or identity.facts
            if not identity.went_back and _same(known, identity.facts):
                return ""
        return _explained(company, known, identity)

    async def _suspect(self, company: str, identity: Identity) -> str:
        text = await self.difference(company, identity)
        if text:
            log.error("%s", text)
            await self._modes.set(company, WHOLE, Mode.PAUSED, "identity", text)
        else:
            await self._identities.meet(company, identity.system, identity.facts)
        return text

    async def _look_at(self, target: str) -> bool:
        """Whether the target was looked at just now. While one message looks again, others trust the last look."""
        last, now = self._looked.get(target), self._clock()
        if last is not None and last + self._every > now:
            return False
        if last is not None:
            self._looked[target] = now
        try:
            identity = await self._targets[target]()
            for company in self._companies:
                await self._suspect(company, identity)
        except BaseException:
            self._looked |= {target: last} if last is not None else {}
            raise
        self._looked[target] = now
        return True


def _unless_paused(setting: ModeSetting) -> Mode:
    if setting.mode is Mode.PAUSED:
        raise RetryLater(f"{setting.what} is paused ({setting.cause}): {setting.text}", code="paused")
    return setting.mode


def _same(known: dict[str, str], facts: dict[str, str]) -> bool:
    """What one of them does not tell is no difference."""
    return all(not told or not facts.get(name) or told == facts[name] for name, told in known.items())


def _explained(company: str, known: dict[str, str], now: Identity) -> str:
    side = "GP" if now.system == "gp" else "Dataverse"
    looks = "an older copy was restored, or Change Tracking was begun anew" if now.went_back else "another environment"
    return (
        f"{company}: {side} was {replace(now, facts=known, version=now.seen).told}; it now says {now.told}. It looks as if "
        f"{looks}. Nothing was sent. Check, then: python -m sync resume --company {company} --after-restore"
    )
