"""What GP365 wants to be told by Dataverse: a service endpoint, and for each mapped table some steps with an image. Pure."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from sync.mapping import Mapping
from sync.systems.dataverse.events import IMAGE

NAME = "GP365"
PREFIX = f"{NAME}: "
"""How the names of our steps begin: steps of other names are somebody else's."""

MADE = "Made by GP365 (python -m sync register). Changes by hand are undone by the next register."
SECRET_HEADER = "x-gp365-secret"
KEY_HEADER = "x-functions-key"

WEBHOOK, HTTP_HEADER, JSON, UTF8 = 8, 5, 2, 1
PRE, POST = 0, 1
AFTER_THE_WRITE, ASYNCHRONOUS, SERVER = 40, 1, 0


@dataclass(frozen=True)
class Door:
    """Where webhooks go, and what they show there."""

    url: str
    key: str
    secret: str

    def __repr__(self) -> str:
        return f"Door({self.url!r})"

    @property
    def headers(self) -> dict[str, str]:
        return {SECRET_HEADER: self.secret} | ({KEY_HEADER: self.key} if self.key else {})

    @property
    def auth_value(self) -> str:
        """The headers as Dataverse keeps them; it never gives them back."""
        settings = "".join(f"<setting name={quoteattr(n)} value={quoteattr(v)} />" for n, v in self.headers.items())
        return f"<settings>{settings}</settings>"

    def proof(self, endpoint: str) -> str:
        """What can be kept to know later that an endpoint holds these headers: a hash under the secret itself."""
        text = f"{endpoint} {self.auth_value}".encode()
        return hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Image:
    """The columns that come along, as they are before (PRE) or after (POST) the change that `parameter` carries."""

    kind: int
    parameter: str
    attributes: tuple[str, ...]

    @property
    def row(self) -> dict[str, object]:
        columns = {"imagetype": self.kind, "messagepropertyname": self.parameter}
        return {"name": IMAGE, "entityalias": IMAGE, "attributes": ",".join(self.attributes)} | columns


@dataclass(frozen=True)
class Step:
    """One message of one table. `filtering`: the columns whose presence in an update counts."""

    message: str
    entity: str
    image: Image
    filtering: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.message} of {self.entity}"

    @property
    def row(self) -> dict[str, object]:
        return {
            "name": self.name,
            "description": MADE,
            "stage": AFTER_THE_WRITE,
            "mode": ASYNCHRONOUS,
            "rank": 1,
            "supporteddeployment": SERVER,
            "asyncautodelete": True,
            "filteringattributes": ",".join(self.filtering) or None,
        }


def endpoint_row(door: Door) -> dict[str, object]:
    """The service endpoint, without its secret."""
    return {
        "name": NAME,
        "description": MADE,
        "url": door.url,
        "contract": WEBHOOK,
        "authtype": HTTP_HEADER,
        "messageformat": JSON,
        "messagecharset": UTF8,
    }


def steps(mappings: Iterable[Mapping]) -> list[Step]:
    """The steps for all tables of some mappings. An image holds what routing needs; of a deleted row that is the key."""
    by_entity: dict[str, list[Mapping]] = {}
    for mapping in mappings:
        by_entity.setdefault(mapping.dataverse.entity, []).append(mapping)
    return [step for entity, some in by_entity.items() for step in _steps(entity, some)]


def _steps(entity: str, mappings: Sequence[Mapping]) -> list[Step]:
    routing = _names(name for mapping in mappings for name in mapping.routing)
    mapped = _names(name for mapping in mappings for name in (*mapping.attributes, *mapping.routing))
    keys = _names(mapping.dataverse.key for mapping in mappings)
    return [
        # The registration tool of Microsoft stores a create's image under Id.
        Step("Create", entity, Image(POST, "Id", routing)),
        Step("Update", entity, Image(POST, "Target", routing), mapped),
        Step("Delete", entity, Image(PRE, "Target", keys)),
        Step("Merge", entity, Image(POST, "Target", routing)),
    ]


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
