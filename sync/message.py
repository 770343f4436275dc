"""The thin queue message: which keys of which flow changed, seen how, and when. A key, never a payload."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Self, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sync.errors import Rejected
from sync.system import FeedKind

MAX_KEYS = 500
MAX_FIELDS = 20

type Bulk = Literal["reread", "sweep", "backfill", "match", "restored", "refreshed"]
"""Why many records are looked at in the order of their keys: their feed lost its history, the sweep found something, a
person asked for all of them or decided on them in a match report, GP was restored from a backup, or Dataverse is another
environment than it was.
"""

type Reason = FeedKind | Bulk | Literal["retry", "handed_over", "id_changed", "awaited"]
"""Why a record is looked at: its change was seen in a feed, all of them are, a person asked, the other direction of
its pair found what is not its own to write, it is known under the id that it had before, or of two records of which one
belongs to the other one waited for the other.
"""

type FieldName = Annotated[str, Field(min_length=1, max_length=50)]


class Message(BaseModel):
    """What lies on a lane, as one JSON object.

    `message_id` survives redelivery, re-sending and splitting. The property is not called `id`: the Functions host
    lets a top-level `id` of the body overwrite the queue message's own (azure-functions-python-worker #1373).
    `delays` counts re-sendings for reasons that are not the record's fault; it only lengthens the pause. `deaths` counts
    deliveries in a row that came to no end. `run` is the
    run it belongs to, if any; `fields` are the newly mapped fields that a backfill asks for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    message_id: str = Field(min_length=1, max_length=64)
    flow: str = Field(min_length=1, max_length=100)
    company: str = Field(min_length=1, max_length=5)
    keys: tuple[str, ...] = Field(min_length=1, max_length=MAX_KEYS)
    reason: Reason
    at: AwareDatetime
    delays: int = Field(0, ge=0)
    deaths: int = Field(0, ge=0)
    run: str = Field("", max_length=40)
    fields: tuple[FieldName, ...] = Field((), max_length=MAX_FIELDS)

    @classmethod
    def new(
        cls, flow: str, company: str, keys: Sequence[str], reason: Reason, *, run: str = "", fields: Sequence[str] = ()
    ) -> Self:
        return cls(
            message_id=uuid.uuid4().hex,
            flow=flow,
            company=company,
            keys=tuple(keys),
            reason=reason,
            at=datetime.now(UTC),
            run=run,
            fields=tuple(fields),
        )

    @classmethod
    def parse(cls, body: str) -> Self:
        """Read a lane's message. Raises Rejected with `message_version` or `message_unreadable`."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            if any(fault["loc"] == ("version",) and fault["type"] == "literal_error" for fault in error.errors()):
                raise Rejected(
                    "The message was written by another version of GP365.", code="message_version"
                ) from error
            faults = "; ".join(f"{'.'.join(map(str, f['loc'])) or 'body'}: {f['msg']}" for f in error.errors()[:3])
            raise Rejected(f"The message is not one of ours: {faults}.", code="message_unreadable") from error

    @property
    def close(self) -> bool:
        """Whether its keys are likely to be neighbours."""
        return self.reason in get_args(Bulk.__value__)

    @property
    def sent_again(self) -> bool:
        """Whether it was delivered before, as far as its body can tell."""
        return self.delays + self.deaths > 0

    def to_json(self) -> str:
        return self.model_dump_json()

    def again(self, keys: Sequence[str]) -> Self:
        """The same message re-sent for some of its keys, one delay older."""
        return self.model_copy(update={"keys": tuple(keys), "delays": self.delays + 1, "deaths": 0})

    def died(self) -> Self:
        """The same message, one death older."""
        return self.model_copy(update={"deaths": self.deaths + 1})

    def split(self, delivery: int) -> Iterator[Self]:
        """Eighths on the second delivery, singles from the third on: so that a record that kills its worker ends alone.

        Each part is one delay older: what an earlier delivery did to its keys stays known as such.
        """
        size = (len(self.keys) + 7) // 8 if delivery == 2 else 1
        for start in range(0, len(self.keys), size):
            yield self.again(self.keys[start : start + size])
