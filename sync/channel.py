"""A way to reach people: one address of GP365_ALERTS, spoken to through Apprise. Addresses hold tokens: never shown."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sync.errors import BadSettings

if TYPE_CHECKING:
    from apprise import Apprise

PATIENCE = 20.0
"""Seconds within which a channel must have taken a message."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,19}(?=://)")


class Channel:
    """`name` is what people call it ("slack 1"), `id` what its state is stored under; neither tells the address."""

    def __init__(self, address: str, number: int) -> None:
        scheme = _SCHEME.match(address)
        self.name = f"{scheme[0].lower() if scheme else 'unknown'} {number}"
        self.id = hashlib.sha256(address.encode()).hexdigest()[:16]
        self._secrets = _parts(address)
        self._apprise = _understood(address, self.name)

    async def send(self, title: str, text: str) -> str:
        """Send a message; what went wrong, or blank. Never raises, and waits no longer than `PATIENCE`."""
        try:
            return await asyncio.to_thread(self._send, title, text)
        except Exception as error:  # whatever the address and its library come up with
            return f"{type(error).__name__}."

    def _send(self, title: str, text: str) -> str:
        result = self._apprise.notify(
            body=text, title=title, notify_type="warning", body_format="text", timeout=PATIENCE
        )
        if result:
            return ""
        said = [entry.message for service in result for entry in service.logs() if entry.level != "INFO"]
        return self._masked(" ".join(said)) or f"No answer within {PATIENCE:.0f} seconds."

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def channels(addresses: Sequence[str]) -> list[Channel]:
    """The channels in the setting's order. Raises BadSettings for an address that Apprise doesn't understand."""
    return [Channel(address, number) for number, address in enumerate(addresses, 1)]


def _understood(address: str, name: str) -> "Apprise":
    # Only with a channel: the library's many services take most of a second to load.
    import apprise

    # Both log parts of an address.
    logging.getLogger("apprise").propagate = False
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    asset = apprise.AppriseAsset(async_mode=False, app_id="GP365", app_desc="GP365", app_url="")
    known = apprise.Apprise(asset=asset)
    if not known.add(address):
        text = f"GP365_ALERTS: the address {name} (counted from 1) is none that Apprise understands."
        raise BadSettings(text, code="setting_missing")
    return known


def _parts(address: str) -> list[str]:
    """Whatever in an address may be a token, the longest first: in a chat's address even the host is one."""
    _, _, rest = address.partition("://")
    return sorted({part for part in re.split(r"[/?#&=:@,;]", rest) if len(part) > 3}, key=len, reverse=True)
