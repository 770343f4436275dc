"""What became of each write of a batch, from the rows it gave back. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sync.errors import BadSettings, Rejected, RetryLater, SyncError
from sync.mapping import Mapping
from sync.system import Outcome, Record, Verdict, Write
from sync.systems.gp.client import Row
from sync.systems.gp.faults import BUSY, explain_number
from sync.systems.gp.refusals import EXISTS, Texts, refused
from sync.systems.gp.rows import record_of

UNANSWERED = "unanswered"
# The record could not be read once its transaction had gone.
_NOT_READ = -1
_DUPLICATE = {2601, 2627}
_MOVED = {"changed": Outcome.CHANGED, "expired": Outcome.CHANGED, "gone": Outcome.GONE}
_UNFIT = {
    "shared": ("one_in_gp", "two different values would go to one address in GP"),
    "no method": ("not_set_up_in_gp", "GP knows no such shipping method (Tools > Setup > Company > Shipping Methods)"),
    "no code": ("refused_by_target", "the address codes that GP365 may use are taken; give the customer one in GP"),
    "named": (
        "refused_by_target",
        "the customer names this code as an address of its own, which GP does not hold; type that address in GP first",
    ),
    "cut": ("value_too_long", "GP holds a text that is longer than its own procedures take, which would cut it"),
    "": ("unexpected", "a procedure in GP began a transaction and did not end it"),
}


@dataclass(frozen=True)
class Answer:
    """What a batch says of one write. Blank `outcome`: it ran, but could not be ended; "unanswered": it says nothing.

    `called`: the procedure called last, and the `numbers` it gave; `error`, `told`: SQL Server's, if there was one; `kept`:
    the record's row.
    """

    outcome: str
    called: str = ""
    numbers: tuple[int, ...] = ()
    error: int = 0
    told: str = ""
    kept: Row | None = None


def answers(results: Sequence[Sequence[Row]], count: int) -> list[Answer]:
    """The answers to `count` writes, in order, among whatever else procedures selected."""
    kept: dict[object, Row] = {}
    found: dict[object, Answer] = {}
    for row in (row for rows in results for row in rows):
        if "gp365_kept" in row:
            kept[row["gp365_kept"]] = row
        elif "gp365_record" in row:
            found[row["gp365_record"]] = _answer(row)
    return [replace(found.get(number, Answer(UNANSWERED)), kept=kept.get(number)) for number in range(count)]


def busy(results: Sequence[Sequence[Row]]) -> bool:
    """Whether the server was busy in some of the writes."""
    rows = (row for rows in results for row in rows if "gp365_record" in row)
    return any(row["error"] in BUSY or row["outcome"] == "late" for row in rows)


def all_numbers(found: Sequence[Answer]) -> list[int]:
    """Every number that a procedure gave."""
    return [number for answer in found for number in answer.numbers]


def verdict(place: tuple[str, str], mapping: Mapping, write: Write, answer: Answer, texts: Texts) -> Verdict:
    """The verdict on one write. `place`: server and company; `texts`: what the company says to numbers of its own."""
    kept = record_of(mapping, answer.kept) if answer.kept else None
    if answer.outcome == "written":
        return Verdict(write.id, Outcome.WRITTEN, kept)
    if answer.outcome in _MOVED:
        return Verdict(write.id, _MOVED[answer.outcome])
    if _met_another(write, answer):
        return Verdict(write.id, Outcome.EXISTS if kept else Outcome.CHANGED, kept)
    return _failed(write, _discreet(mapping, write, _error(place, mapping, write, answer, texts, kept)), answer, kept)


def _failed(write: Write, error: SyncError, answer: Answer, kept: Record | None) -> Verdict:
    """Rolled back, unless nobody knows."""
    unknown = answer.outcome == UNANSWERED or _landed(write, answer, kept)
    refused_now = isinstance(error, RetryLater | BadSettings) and not unknown
    return Verdict(write.id, Outcome.REFUSED if refused_now else Outcome.FAILED, error=error)


def _error(
    place: tuple[str, str], mapping: Mapping, write: Write, answer: Answer, texts: Texts, kept: Record | None
) -> SyncError:
    entity = mapping.gp.entity
    if answer.outcome == UNANSWERED or _landed(write, answer, kept):
        text = f"It is not known whether GP keeps what was written of {write.id}."
        return RetryLater(text, code="in_progress", system="gp", entity=entity, key=write.id)
    if answer.outcome == "late":
        text = f"Other records of the same batch kept GP busy before the turn of {write.id}."
        return RetryLater(text, code="busy", system="gp", entity=entity, key=write.id)
    if answer.outcome in _UNFIT:
        code, text = _UNFIT[answer.outcome]
        return Rejected(f"{write.id}: {text}.", code=code, system="gp", entity=entity, key=write.id)
    if answer.error:
        return explain_number(answer.error, answer.told, *place, entity=entity, key=write.id)
    return refused(write.id, entity, answer.called, answer.numbers, texts)


def _landed(write: Write, answer: Answer, kept: Record | None) -> bool:
    """Whether a transaction that somebody else ended kept the record."""
    return answer.outcome == "unknown" and kept is not None and kept.mark == write.mark


def _met_another(write: Write, answer: Answer) -> bool:
    """Whether a new record met one with its id."""
    if answer.outcome == "exists":
        return True
    twice = not EXISTS.isdisjoint(answer.numbers) or answer.error in _DUPLICATE
    return write.create and twice and answer.kept is not None


def _answer(row: Row) -> Answer:
    numbers = [int(number) for number in re.findall(r"\d+", str(row["numbers"] or ""))]
    state = row["state"]
    if isinstance(state, int) and state and state not in numbers:
        numbers.append(state)
    unseen = row["outcome"] == "unknown" and row["found"] == _NOT_READ
    return Answer(
        outcome=UNANSWERED if unseen else str(row["outcome"]),
        called=str(row["called"]),
        numbers=tuple(numbers) if row["outcome"] in {"refused", "unknown"} else (),
        error=int(str(row["error"])),
        told=str(row["told"] or ""),
    )


def _discreet(mapping: Mapping, write: Write, error: SyncError) -> SyncError:
    """The error, without GP's words where they tell of a secret value."""
    secret = {path for field in mapping.fields if field.secret for path in field.paths}
    values = [str(value) for path, value in write.values.items() if path in secret and value]
    if not any(value in error.message for value in values):
        return error
    text = f"GP refused {write.id} in words that are hidden, as they tell of a secret value."
    return type(error)(text, code=error.code, system="gp", entity=error.entity, key=write.id, details=error.details)
