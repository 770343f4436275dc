"""What scenarios share: steps that tell what they saw, and waiting until something is seen."""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.up import Sandbox

type Step = Callable[[], Awaitable[str]]
type Steps = Sequence[Step]
"""A step is named after what it shows; it returns what was seen in the target, or raises NotSeen."""

_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody."""

DEADLINE = 60.0
PAUSE = 0.2


@dataclass(frozen=True)
class Scenario:
    """What the demo can play: `play(box)` is an async context manager that gives the steps, in order.

    `webhooks` and `overlays` (a folder) say what its sandbox has from the start.
    """

    play: Callable[[Sandbox], AbstractAsyncContextManager[Steps]]
    webhooks: bool = False
    overlays: Path | None = None


class NotSeen(Exception):
    """What a step waited for did not come; the text says what was there instead."""


async def until[Seen](
    look: Callable[[], Awaitable[Seen]], wanted: Callable[[Seen], object], what: str, seconds: float = DEADLINE
) -> Seen:
    """Look again and again until `wanted` holds, and return what was seen; NotSeen after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        seen = await look()
        if wanted(seen):
            return seen
        if time.monotonic() > end:
            raise NotSeen(f"{what} was not seen within {seconds:.0f} s; last seen: {seen}")
        await asyncio.sleep(PAUSE)


async def app(box: Sandbox, *arguments: str) -> list[dict[str, Any]]:
    """The JSON lines of `python -m sync {arguments} --json`; NotSeen when it fails."""
    status, out, err = await box.cli(*arguments, "--json")
    if status:
        raise NotSeen(f"`python -m sync {' '.join(arguments)}` ended with status {status}: {err.strip() or out}")
    return [json.loads(line) for line in out.splitlines() if line.strip()]


def at_door(box: Sandbox, part: str, timeout: float = 60) -> httpx.AsyncClient:
    """A client of a part's admin door: plain HTTP on this machine, so it reads no certificates, which takes longer than
    most of what is asked there.
    """
    return httpx.AsyncClient(base_url=box.ready[part]["admin"], timeout=timeout, verify=_NOBODY)


async def door(box: Sandbox, part: str, method: str, path: str, **body: Any) -> Any:
    """One request at a part's admin door: what it answers."""
    async with at_door(box, part) as client:
        response = await client.request(method, path, json=body or None)
        response.raise_for_status()
        return response.json()
