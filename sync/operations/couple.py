"""A person's answer to a possible duplicate: which record of Dataverse it is, or that it is none of them."""

from dataclasses import replace

from sync.errors import Rejected, RetryLater
from sync.mapping import Mapping
from sync.mapping_model import Side
from sync.match import chosen, told
from sync.message import Message
from sync.operations.show import is_id, parse_record
from sync.runtime import Runtime
from sync.stores.couple import NONE, Couple, opposite
from sync.system import Ask
from sync.way import way_of


async def couple(runtime: Runtime, record: str, dataverse_id: str) -> str:
    """Keep the answer, `dataverse_id` or NONE, and put the record on its lane. Returns what will be done, in words.

    `record` names one of GP, or by its id one of Dataverse that is none of GP's. Raises Rejected when a record is unknown or
    coupled already, and RetryLater while it is being written.
    """
    pair, company, key = parse_record(runtime, record)
    side: Side = "d365" if is_id(key) else "gp"
    flows = [flow for flow in runtime.flows.values() if flow.pair == pair and flow.side == side]
    mapping = runtime.mappings[pair]
    if side == "d365" and (dataverse_id != NONE or not flows):
        raise _not_of_gp(mapping, company, key)
    [before] = (await way_of(mapping, side).couples(runtime.crosswalk, company, pair, [key], close=False)).values()
    if before.coupled:
        text = f"{pair}/{company}/{key} is coupled with {before.on(opposite(side))} already."
        raise Rejected(text, code="already_coupled", key=key)
    if before.intent:
        raise _busy(before)
    text = _new(mapping, side) if dataverse_id == NONE else await _account(runtime, before, dataverse_id)
    [saved] = await runtime.crosswalk.save([(before, replace(before, answer=dataverse_id))])
    if not saved:
        raise _busy(before)
    for flow in flows:
        await runtime.lanes.send(flow.lane, Message.new(flow.name, company, [key], "retry"))
    return f"{pair}/{company}/{key}: {text}"


def _not_of_gp(mapping: Mapping, company: str, key: str) -> Rejected:
    """The id of a record of Dataverse where one of GP must be named."""
    text = (
        f"{key} is a record of Dataverse: name the {mapping.gp.entity} that it is, with `python -m sync couple "
        f"{mapping.pair}/{company}/ID --with {key}`."
    )
    return Rejected(text, code="unknown_record", key=key)


def _new(mapping: Mapping, side: Side) -> str:
    asked = side == "d365" and mapping.rules.approve != "never"
    return "it is a new one, and waits for approval" if asked else "it will be created"


def _busy(couple: Couple) -> RetryLater:
    return RetryLater(f"{couple.pair}/{couple.company}/{couple.key} is being written.", code="in_progress")


async def _account(runtime: Runtime, couple: Couple, dataverse_id: str) -> str:
    mapping = runtime.mappings[couple.pair]
    seen = await runtime.records.look(couple.company, mapping, Ask(ids=[dataverse_id]))
    owners = await runtime.crosswalk.owners(couple.company, couple.pair, [dataverse_id])
    match = chosen(mapping, couple.key, dataverse_id, seen.by_id.get(dataverse_id), owners)
    if match.record is None:
        raise Rejected(match.doubt, code="already_coupled" if seen.by_id else "unknown_record", key=couple.key)
    return f"it will be coupled with {told(mapping, match.record)}"
