"""How long a message waits before it is tried again: growing, jittered, capped, and never shorter than asked for."""

import random
from dataclasses import dataclass
from datetime import timedelta

VISIBILITY = timedelta(minutes=10)
"""How long the Functions host keeps a message invisible while it is worked: an intent younger than this may still have a
living owner, and what was not found is looked for once more when so much time has passed.
"""

A_MOMENT = 2.0
"""Storage tells the time in whole seconds."""

LONGEST = 15 * 60.0
SHORT = 2.0
LONGEST_SHORT = 60.0


@dataclass(frozen=True)
class Pauses:
    """`scale` shortens every pause in the sandbox."""

    scale: float = 1.0

    def next(self, delays: int, asked: float | None = None) -> float:
        """Seconds before the next try of a message re-sent `delays` times already; at least what the system asked."""
        growing = min(LONGEST, 5.0 * float(2 ** min(delays, 10)))
        return max(growing * random.uniform(0.5, 1.0), asked or 0.0) * self.scale

    def short(self, delays: int) -> float:
        """Seconds to wait for another worker that is writing the same record now."""
        return min(LONGEST_SHORT, SHORT * float(2 ** min(delays, 10))) * random.uniform(0.5, 1.0) * self.scale

    def missing(self) -> float:
        """Seconds before what was not found is looked for once more."""
        return VISIBILITY.total_seconds() * random.uniform(1.0, 1.2) * self.scale + A_MOMENT

    def apart(self) -> float:
        """Seconds at random, so that those who went down together don't meet again."""
        return random.uniform(0, LONGEST) * self.scale
