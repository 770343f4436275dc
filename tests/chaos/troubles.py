"""What can go wrong in a history, by the name of its seam: a fault planned at a stand-in's door, or something done to a part."""

from dataclasses import dataclass
from typing import Any, Literal

OURS = r'"gp365_mark": ?"'
"""A write of the app to Dataverse: nobody else sets the mark."""

BATCH = "gp365_kept"
"""A batch of the app's writes to GP."""

COUPLE = r"^table\.[\s\S]*crosswalk"
TIMEOUT = 2
"""Seconds that the app of a campaign waits for Dataverse."""


@dataclass(frozen=True)
class Trouble:
    """`door`: what is planned at the door of `part`. `deed`: what is done by hand instead. `every`: in one history of so many,
    for what takes too long to do it always. `taken_back`: before the app that was killed is started again, a person takes back
    what it wrote last.
    """

    seam: str
    part: str = ""
    door: dict[str, Any] | None = None
    deed: Literal["clean", "clock", "hold", "restart", "restore", "copy"] | None = None
    every: int = 1
    taken_back: bool = False

    @property
    def kills(self) -> bool:
        return self.door is not None and self.door["do"] == "kill"

    @property
    def often(self) -> bool:
        """Whether its seam is crossed again and again in every history."""
        return self.part in ("storage", "dataverse") and not self.kills


def _door(seam: str, part: str, at: str, do: str, match: str = "", *, taken_back: bool = False, **more: Any) -> Trouble:
    return Trouble(seam, part, {"at": at, "do": do, "match": match, **more}, taken_back=taken_back)


TROUBLES = (
    _door("killed after the intent", "dataverse", "dataverse.before", "kill", OURS),
    _door("killed after Dataverse's commit", "dataverse", "dataverse.after", "kill", OURS),
    _door("killed before GP's commit", "gp", "tds.request", "kill", BATCH),
    _door("killed after GP's commit", "gp", "tds.answer", "kill", BATCH),
    _door("edited back after Dataverse's commit", "dataverse", "dataverse.after", "kill", OURS, taken_back=True),
    _door("edited back after GP's commit", "gp", "tds.answer", "kill", BATCH, taken_back=True),
    _door("killed before the crosswalk commit", "storage", "storage.before", "kill", COUPLE + r'[\s\S]*"intent": ?""'),
    _door("killed before the message is deleted", "storage", "storage.before", "kill", r"^queue\.delete "),
    _door("cut before Dataverse's commit", "dataverse", "dataverse.before", "drop", OURS),
    _door("cut after Dataverse's commit", "dataverse", "dataverse.after", "drop", OURS),
    _door("cut before GP's commit", "gp", "tds.request", "drop", BATCH),
    _door("cut after GP's commit", "gp", "tds.answer", "drop", BATCH),
    _door("GP 1205: victim of a deadlock", "gp", "sql.statement", "error", BATCH, code=1205),
    _door("Dataverse 429", "dataverse", "dataverse.before", "error", OURS, code=429, seconds=1),
    _door("Dataverse 500 before its commit", "dataverse", "dataverse.before", "error", OURS, code=500),
    _door("Dataverse 503 after its commit", "dataverse", "dataverse.after", "error", OURS, code=503),
    _door("Dataverse's answer too late", "dataverse", "dataverse.after", "delay", OURS, seconds=TIMEOUT + 1),
    _door("landing after its caller gave up", "dataverse", "dataverse.before", "delay", OURS, seconds=TIMEOUT + 1),
    _door("webhook lost", "dataverse", "dataverse.webhook", "drop"),
    _door("webhook doubled", "dataverse", "dataverse.webhook", "double"),
    _door("webhook overtaken", "dataverse", "dataverse.webhook", "hold", seconds=2),
    _door("webhook late", "dataverse", "dataverse.webhook", "delay", seconds=1.5),
    _door("storage cut before its commit", "storage", "storage.before", "drop", COUPLE),
    _door("storage cut after its commit", "storage", "storage.after", "drop", COUPLE),
    Trouble("GP's change history cleaned", "gp", deed="clean"),
    Trouble("Dataverse's change history cleaned", "dataverse", deed="clean"),
    Trouble("a transaction open for long", "gp", deed="hold"),
    Trouble("GP's clock put forward, then back a little", "gp", deed="clock"),
    Trouble("Azurite restarted", "storage", deed="restart", every=10),
    Trouble("PostgreSQL restarted", "gp", deed="restart", every=10),
    Trouble("host restarted", "host", deed="restart", every=10),
    Trouble("company restored", "gp", deed="restore", every=10),
    Trouble("environment copied", "dataverse", deed="copy", every=10),
)
BY_SEAM = {trouble.seam: trouble for trouble in TROUBLES}
