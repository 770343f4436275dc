"""Does what a person decided in a match report, and nothing else; interrupted, the same command goes on.

A decision is kept as the answer in the couple's row; the line then couples, as it does after `couple`. An answer that is
there already, or a record that is coupled as decided, is done: so a second run ends as an unbroken one.
"""

import getpass
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from pathlib import Path
from uuid import UUID

from sync.errors import Rejected, RetryLater
from sync.flow import Flow
from sync.keys import canonical, company_key
from sync.mapping import Mapping
from sync.match import chosen
from sync.matching.differences import fingerprint
from sync.matching.files import read
from sync.matching.report import (
    COUPLE,
    DATAVERSE_ID,
    DATAVERSE_STATE,
    DECIDED,
    DECISION,
    GP_ID,
    GP_STATE,
    LATER,
    NOT,
    REPORT,
    Heading,
)
from sync.message import Message
from sync.operations.backfill import progress_of
from sync.operations.match import KIND, gp_state, heading_of
from sync.runtime import Runtime
from sync.stores.couple import NONE, Couple
from sync.stores.runs import Run, State, Tally
from sync.system import Ask, Record

AT_ONCE = 100
MOST_TOLD = 20


@dataclass(frozen=True)
class Row:
    """One row of a report in which something was decided."""

    place: str
    decision: str
    key: str
    id: str
    gp_state: str
    dataverse_state: str


@dataclass(frozen=True)
class Answer:
    """What is to be done about one record of GP: couple it with `id`, or NONE. States as the report saw both sides; blank
    where it did not see one. `declined`: which ones it is not.
    """

    key: str
    id: str
    place: str
    gp_state: str
    dataverse_state: str
    declined: frozenset[str] = frozenset()


@dataclass
class Applied:
    """How far it is. `refused`: rows whose records changed since, or can't be coupled any more, in words."""

    run: Run
    total: int
    done: int = 0
    coupled: int = 0
    new: int = 0
    before: int = 0
    refused: list[str] = field(default_factory=list)


async def answers_of(runtime: Runtime, mapping: Mapping, company: str, path: Path) -> list[Answer]:
    """What a file decides, in the order of GP's keys. Raises Rejected for a file of something else, and for decisions that
    can't be carried out, naming the rows; then nothing is done at all.
    """
    rows: list[Row] = []
    states: dict[str, str] = {}
    headings: set[str] = set()
    wrong: list[str] = []
    for table, number, values in read(path):
        headings.add(values[REPORT])
        states[values[DATAVERSE_ID].lower()] = values[DATAVERSE_STATE]
        row = _row(table, number, values)
        if row.decision and table not in DECIDED:
            wrong.append(f"{row.place}: decide in the row of the GP record, not here")
        elif row.decision:
            rows.append(row)
    _check_headings(headings, await heading_of(runtime, mapping, company))
    answers = _answers(rows, states, wrong)
    if wrong:
        more = f"; and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise Rejected(f"{path.name}: {'; '.join(wrong[:MOST_TOLD])}{more}.", code="match_decision_invalid")
    return sorted(answers, key=lambda answer: answer.key)


async def apply(runtime: Runtime, mapping: Mapping, company: str, answers: Sequence[Answer]) -> AsyncIterator[Applied]:
    """Carry the answers out, some at a time. Raises as the systems do: then give the same command again."""
    flow = next(each for each in runtime.flows.values() if (each.pair, each.source) == (mapping.pair, "gp"))
    applied = Applied(await _begin(runtime, company, flow, len(answers)), len(answers))
    for some in batched(answers, AT_ONCE, strict=False):
        await _carry_out(runtime, mapping, flow, some, applied)
        yield applied
    moved = await runtime.runs.move(applied.run, all_sent=True)
    applied.run = (await progress_of(runtime.runs, moved or applied.run)).run
    yield applied


async def _begin(runtime: Runtime, company: str, flow: Flow, total: int) -> Run:
    """A run of its own: what an earlier one has sent already is done, or sent once more."""
    for run in await runtime.runs.list():
        if (run.kind, run.company, run.flow, run.state) == (KIND, company, flow.name, State.RUNNING):
            await runtime.runs.finish(run, State.STOPPED, (await runtime.runs.count(run.id, Tally())).counts)
    return await runtime.runs.start(KIND, company, flow.name, who=getpass.getuser(), total=total)


def _row(table: str, number: int, values: dict[str, str]) -> Row:
    decision = values[DECISION].strip().lower()
    return Row(
        place=f"{table}, row {number} ({values[GP_ID] or values[DATAVERSE_ID]})",
        decision="" if decision == LATER else decision,
        key=canonical(values[GP_ID]),
        id=values[DATAVERSE_ID].strip().lower(),
        gp_state=values[GP_STATE],
        dataverse_state=values[DATAVERSE_STATE],
    )


def _check_headings(found: Iterable[str], now: Heading) -> None:
    """Raises Rejected when a row is of another report than one of these records."""
    for text in found:
        heading = Heading.parse(text)
        if heading is None:
            raise Rejected("The file holds rows that are of no match report.", code="match_file_unreadable")
        for what, theirs, ours in (
            ("pair", heading.pair, now.pair),
            ("company", heading.company, now.company),
            ("environment: GP or Dataverse was another one", heading.environment, now.environment),
            ("mapping: what is compared or who owns it was changed since", heading.rules, now.rules),
        ):
            if theirs != ours:
                raise Rejected(f"The file is of another {what} ({theirs}, now {ours}).", code="match_file_foreign")


def _answers(rows: Sequence[Row], states: dict[str, str], wrong: list[str]) -> list[Answer]:
    """One answer a record of GP; whatever can't be carried out goes to `wrong`."""
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    found = [answer for some in by_key.values() if (answer := _answer(some, states, wrong))]
    times = Counter(answer.id for answer in found if answer.id != NONE)
    wrong += [f"{each.place}: {each.id} is chosen for several records" for each in found if times[each.id] > 1]
    return found


def _answer(rows: Sequence[Row], states: dict[str, str], wrong: list[str]) -> Answer | None:
    """What the rows of one record decide together; None where that is wrong."""
    ids: dict[str, Row] = {}
    declined = frozenset(row.id for row in rows if row.decision == NOT)
    for row in rows:
        if row.decision not in (COUPLE, NOT) and not _is_id(row.decision):
            wrong.append(f"{row.place}: {row.decision!r} is neither couple, not, later nor an id")
        elif row.decision != NOT:
            ids[row.id if row.decision == COUPLE else row.decision] = row
    if len(ids) > 1 or "" in ids:
        why = "there is nothing to couple it with" if "" in ids else "it is to be coupled with several"
        wrong.append(f"{rows[0].place}: {why}")
        return None
    for id_, row in ids.items():
        return Answer(row.key, id_, row.place, row.gp_state, states.get(id_, ""), declined)
    return Answer(rows[0].key, NONE, rows[0].place, rows[0].gp_state, "", declined)


async def _carry_out(runtime: Runtime, mapping: Mapping, flow: Flow, some: Sequence[Answer], applied: Applied) -> None:
    """Store some answers, then put their records on the lane, then note both."""
    company, pair = applied.run.company, mapping.pair
    couples = await runtime.crosswalk.read(company, pair, [answer.key for answer in some], close=True)
    todo = [answer for answer in some if not _is_done(couples[answer.key], answer)]
    refusals = await _refusals(runtime, mapping, company, todo, couples)
    ready = [answer for answer in todo if answer.key not in refusals]
    await _store(runtime, ready, couples)
    # A new one that waits for nobody comes with the next backfill, as all that are in GP alone.
    send = [answer.key for answer in ready if answer.id != NONE or couples[answer.key].parked]
    if send:
        message = Message.new(flow.name, company, send, "match", run=applied.run.id)
        await runtime.lanes.send(flow.bulk_lane, message)
    sent = applied.run.sent + len(send)
    applied.run = await runtime.runs.move(applied.run, place=some[-1].key, sent=sent) or applied.run
    applied.done += len(some)
    applied.before += len(some) - len(todo)
    applied.coupled += sum(answer.id != NONE for answer in ready)
    applied.new += sum(answer.id == NONE for answer in ready)
    applied.refused += [refusals[answer.key] for answer in todo if answer.key in refusals]


async def _store(runtime: Runtime, ready: Sequence[Answer], couples: dict[str, Couple]) -> None:
    changes = [(couples[answer.key], replace(couples[answer.key], answer=answer.id)) for answer in ready]
    changes = [(old, new) for old, new in changes if old != new]
    saved = await runtime.crosswalk.save(changes)
    lost = [old.key for (old, _), new in zip(changes, saved, strict=True) if new is None]
    if lost:
        raise RetryLater(f"{', '.join(lost)} was written meanwhile.", code="in_progress")


def _is_done(couple: Couple, answer: Answer) -> bool:
    """Whether the line has done it. What is only answered is sent once more: a crash may have come in between."""
    if answer.id == NONE:
        made = couple.coupled and couple.id not in answer.declined
        return made or (couple.answer == NONE and not couple.parked)
    return couple.coupled and couple.id == answer.id


async def _refusals(
    runtime: Runtime, mapping: Mapping, company: str, some: Sequence[Answer], couples: dict[str, Couple]
) -> dict[str, str]:
    """Why a row can't be carried out, by key. What was answered as decided here is not looked at again."""
    fresh = [answer for answer in some if couples[answer.key].answer != answer.id]
    if not fresh:
        return {}
    ids = [answer.id for answer in fresh if answer.id != NONE]
    sources = await runtime.gp.read(company, mapping, [answer.key for answer in fresh])
    seen = await runtime.records.look(company, mapping, Ask(ids=ids))
    owners = await runtime.crosswalk.owners(company, mapping.pair, ids)
    found = {
        answer.key: _refusal(mapping, answer, couples[answer.key], sources.get(answer.key), seen.by_id, owners)
        for answer in fresh
    }
    return {key: text for key, text in found.items() if text}


def _refusal(
    mapping: Mapping,
    answer: Answer,
    couple: Couple,
    source: Record | None,
    by_id: dict[str, Record],
    owners: dict[str, str],
) -> str:
    if couple.coupled or couple.intent:
        return f"{answer.place}: it is coupled with {couple.id} by now"
    if source is None:
        return f"{answer.place}: it is no longer in GP"
    if gp_state(mapping, source) != answer.gp_state:
        return f"{answer.place}: it was changed in GP since"
    if answer.id == NONE:
        return ""
    target = by_id.get(answer.id)
    own = target and target.values.get(mapping.dataverse.key) == company_key(couple.company, answer.key)
    doubt = "" if own else chosen(mapping, answer.key, answer.id, target, owners).doubt
    if doubt:
        return f"{answer.place}: {doubt}"
    if target and answer.dataverse_state != fingerprint(mapping, target.values):
        return f"{answer.place}: {answer.id} was changed in Dataverse since, or is not in the report"
    return ""


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
