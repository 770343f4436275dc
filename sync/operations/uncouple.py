"""Takes two coupled records apart. Nothing is deleted; what we wrote into the account can be put back from the ledger.

First the couple is undone in the crosswalk, where the id stays reserved, so that no worker writes any more; then Dataverse is
written once, key and restored fields together; then the id is let go. Interrupted, the same command goes on.
"""

import getpass
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sync.errors import CODES, Rejected, RetryLater
from sync.mapping import Mapping
from sync.operations.show import parse_record
from sync.runtime import Runtime
from sync.stores.couple import UNCOUPLED, Couple
from sync.stores.ledger import FieldChange, Line, Result
from sync.stores.parked import Parked
from sync.system import Ask, Outcome, Record, Write
from sync.value import Value, same

MONTHS = 24
"""So far back the ledger is looked through for what a field held before."""


@dataclass(frozen=True)
class Restorable:
    """One field that we wrote: what it held before, what it holds now. `why_not` says why it stays as it is."""

    field: str
    before: Value
    now: Value
    why_not: str = ""


@dataclass(frozen=True)
class Uncoupled:
    """What was taken apart. `fields`: what can be put back, or with `restored` was."""

    pair: str
    company: str
    key: str
    id: str
    restored: bool
    fields: list[Restorable] = field(default_factory=list)


async def uncouple(runtime: Runtime, record: str, *, restore: bool, dry_run: bool = False) -> Uncoupled:
    """Take a GP record and its account apart; with `restore` put the account's fields back that we wrote since they were
    coupled and nobody changed meanwhile. `dry_run` only tells what would be. Raises Rejected when they are not coupled,
    RetryLater while they are written.
    """
    pair, company, key = parse_record(runtime, record)
    mapping = runtime.mappings[pair]
    [couple] = (await runtime.crosswalk.read(company, pair, [key])).values()
    apart = couple if dry_run and couple.coupled else await _begin(runtime, couple)
    target = (await runtime.records.look(company, mapping, Ask(ids=[apart.id]))).by_id.get(apart.id)
    lines = await runtime.ledger.history(company, pair, key, MONTHS)
    fields = restorable(mapping, apart, lines, target) if target else []
    done = Uncoupled(pair, company, key, apart.id, restore and not dry_run, fields)
    if not dry_run:
        if target:
            await _write(runtime, mapping, apart, target, fields if restore else ())
        await _finish(runtime, apart, done)
    return done


def restorable(mapping: Mapping, couple: Couple, history: Sequence[Line], target: Record) -> list[Restorable]:
    """What each field that we wrote held before. `history` comes newest first, and is read back to where they were coupled."""
    before: dict[str, Value] = {}
    for line in history:
        if line.result is Result.CREATED:
            return []  # it was made by us, and held nothing before
        if line.flow.endswith("_to_dataverse"):
            before |= {each.field: each.old for each in reversed(line.changes) if each.field in mapping.attributes}
        if line.text.startswith("coupled"):
            break
    found = [_one(mapping, couple, name, old, target.values.get(name)) for name, old in before.items()]
    return [each for each in found if not same(each.before, each.now)]


def _one(mapping: Mapping, couple: Couple, name: str, old: Value, now: Value) -> Restorable:
    if mapping.field(name).secret:
        return Restorable(name, None, "***", "its values are secret, and the ledger does not keep them")
    agreed = couple.base.get(name)
    if agreed is None or not same(agreed.d365, now):
        return Restorable(name, old, now, "somebody changed it since")
    return Restorable(name, old, now)


async def _begin(runtime: Runtime, couple: Couple) -> Couple:
    """From here on no worker writes it."""
    if couple.intent:
        raise _busy(couple)
    if couple.parked == UNCOUPLED and couple.id:
        return couple
    if not couple.coupled:
        text = f"{couple.pair}/{couple.company}/{couple.key} is coupled with nothing."
        raise Rejected(text, code="unknown_record", key=couple.key)
    apart = replace(couple.unsaid(), coupled=False, parked=UNCOUPLED, parked_d365=UNCOUPLED, unmet=None)
    return await _save(runtime, couple, apart)


async def _write(
    runtime: Runtime, mapping: Mapping, couple: Couple, target: Record, fields: Sequence[Restorable]
) -> None:
    """Clear our key in the account, and put the fields back, if it is still as it was read."""
    values = {each.field: each.before for each in fields if not each.why_not}
    values[mapping.dataverse.key] = None
    write = Write(couple.id, values, uuid.uuid4().hex, version=target.version, key=couple.key, seen=target)
    [verdict] = await runtime.records.write(couple.company, mapping, [write])
    if verdict.error:
        raise verdict.error
    if verdict.outcome is not Outcome.WRITTEN:
        raise RetryLater(f"{couple.id} was changed meanwhile: give the command again.", code="changed_meanwhile")


async def _finish(runtime: Runtime, couple: Couple, done: Uncoupled) -> None:
    """Both sides wait for a person from now on; the ledger and the list of parked records say why."""
    flow = next(each for each in runtime.flows.values() if (each.pair, each.source) == (couple.pair, "gp"))
    now, text = datetime.now(UTC).isoformat(), f"taken from {couple.id} by {getpass.getuser()}"
    changes = tuple(
        FieldChange(each.field, each.now, each.before, "put back by a person")
        for each in done.fields
        if done.restored and not each.why_not
    )
    result = Result.UPDATED if changes else Result.PARKED
    line = Line(
        couple.key, flow.name, result, text, "retry", now, now, uuid.uuid4().hex, code=UNCOUPLED, changes=changes
    )
    await runtime.ledger.write(couple.company, couple.pair, [line], redelivered=False)
    step = CODES[UNCOUPLED].next_step
    entry = Parked(
        couple.company, couple.pair, couple.key, flow.name, UNCOUPLED, f"{couple.key} was {text}.", step, now, ""
    )
    await runtime.parked.put([entry])
    gp = Couple(couple.company, couple.pair, couple.key, identity=couple.identity, parked=UNCOUPLED, etag=couple.etag)
    other = Couple(couple.company, couple.pair, id=couple.id)
    await _save(runtime, couple, gp)
    # Its row has the name of the pointer that was just removed: one transaction can't do both.
    await _save(runtime, other, replace(other, parked_d365=UNCOUPLED))


async def _save(runtime: Runtime, old: Couple, new: Couple) -> Couple:
    [saved] = await runtime.crosswalk.save([(old, new)])
    if saved is None:
        raise _busy(old)
    return saved


def _busy(couple: Couple) -> RetryLater:
    return RetryLater(f"{couple.pair}/{couple.company}/{couple.key} is being written.", code="in_progress")
