"""What must hold when a history has come to rest. Pure, and without any code of the app: its rows are read as they lie.

Both sides agree on every field, or the record is parked for a cause that is true; nobody has two counterparts, and nobody is
alone for whom nobody waits; each field holds what somebody gave it last.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.fields import BY_NAME, FIELDS
from tests.chaos.plan import History, Partner
from tests.chaos.truth import Truth

type Row = dict[str, Any]

UNCERTAIN = {"restore", "copy"}
"""Deeds after which a person cannot expect to find the last edit: one side was put back to what it was."""


@dataclass(frozen=True)
class Found:
    """What was found: GP's customers by company, Dataverse's accounts as stored, and the app's tables."""

    customers: dict[str, list[Row]]
    accounts: list[Row]
    crosswalk: list[Row]
    parked: list[Row]
    ledger: list[Row]
    modes: list[Row]


@dataclass(frozen=True)
class Meeting:
    """All that was found of one partner."""

    partner: Partner
    customers: list[Row]
    accounts: list[Row]
    couples: list[Row]
    waiting: list[Row]

    @property
    def parked(self) -> set[str]:
        """The causes for which a person is asked."""
        return {row["code"] for row in self.waiting}


def verdict(history: History, truth: Truth, found: Found) -> list[str]:
    """Every fault, in words."""
    meetings = [meeting_of(partner, found) for partner in history.partners]
    return [
        *(fault for meeting in meetings for fault in _faults(history, truth, meeting, found)),
        *_books(found),
    ]


def evidence(history: History, found: Found, faults: Iterable[str]) -> list[str]:
    """What the app's own books say of the partners that are told of, by their names or by the ids of their records, oldest first."""
    text, lines = "\n".join(faults), []
    for partner in history.partners:
        meeting = meeting_of(partner, found)
        names = {row[side] for row in meeting.couples for side in ("key", "d365")} | {partner.key}
        names |= {row["CUSTNMBR"] for row in meeting.customers} | {row["accountid"] for row in meeting.accounts}
        if not any(name and name in text for name in (f"{partner.company}/{partner.tag}:", *names)):
            continue
        lines += [f"--- {partner}", *(f"couple {row}" for row in meeting.couples)]
        lines += [f"parked {row['flow']} {row['code']} {row['message']}" for row in found.parked if row["key"] in names]
        own = [row for row in found.ledger if row["key"] in names and row["PartitionKey"].startswith(partner.company)]
        told = ("done_at", "flow", "reason", "result", "text", "code", "changes")
        lines += ["  ".join(str(row.get(name)) for name in told) for row in sorted(own, key=lambda row: row["done_at"])]
    return lines


def meeting_of(partner: Partner, found: Found) -> Meeting:
    tag = f"{partner.tag} ".casefold()
    customers = [row for row in found.customers[partner.company] if str(row["CUSTNAME"]).casefold().startswith(tag)]
    living = [row for row in found.accounts if not _has_master(row)]
    accounts = [row for row in living if str(row.get("name")).casefold().startswith(tag)]
    keys, ids = {row["CUSTNMBR"] for row in customers}, {row["accountid"] for row in accounts}
    couples = [
        row
        for row in _couples(found)
        if row["PartitionKey"].startswith(f"{partner.company}.") and (row["key"] in keys or row["d365"] in ids)
    ]
    names = keys | ids | {name for row in couples for name in (row["key"], row["d365"]) if name}
    waiting = [row for row in found.parked if row["company"] == partner.company and row["key"] in names]
    return Meeting(partner, customers, accounts, couples, waiting)


def _has_master(account: Row) -> bool:
    """Whether it was merged into another one. Where that one is gone, it stands for itself again."""
    return bool(account.get("masterid"))


def _couples(found: Found) -> Iterator[Row]:
    """The rows that carry a couple, without those that point to one."""
    return (row for row in found.crosswalk if "base" in row)


def _faults(history: History, truth: Truth, meeting: Meeting, found: Found) -> Iterable[str]:
    certain = not history.deeds & UNCERTAIN
    name = f"{meeting.partner.company}/{meeting.partner.tag}"
    yield from (f"{name}: {fault}" for fault in _doubled(truth, meeting))
    yield from (f"{name}: {fault}" for fault in _strangers(truth, meeting, found))
    yield from (f"{name}: {fault}" for fault in _alone(truth, meeting, certain=certain))
    yield from (f"{name}: {fault}" for fault in _apart(meeting))
    if certain:
        yield from (f"{name}: {fault}" for fault in _taken_for_deleted(truth, meeting))
        yield from (f"{name}: {fault}" for fault in _lost(truth, meeting))


def _doubled(truth: Truth, meeting: Meeting) -> Iterable[str]:
    """One customer and one account at most. A person who typed one of each has made two of one side himself."""
    for side, rows in (("customers", meeting.customers), ("accounts", meeting.accounts)):
        if len(rows) > 1 and not _both_typed(truth, meeting):
            yield f"doubled: {len(rows)} {side}"


def _both_typed(truth: Truth, meeting: Meeting) -> bool:
    number = meeting.partner.number
    return {(number, "gp"), (number, "d365")} <= truth.made


def _strangers(truth: Truth, meeting: Meeting, found: Found) -> Iterable[str]:
    """Who is coupled with this partner's record is this partner's too, or is there no more. Whoever merges two has made them one."""
    company = meeting.partner.company
    if meeting.partner.number in truth.merged:
        return
    keys = {row["CUSTNMBR"] for row in found.customers[company]} - {row["CUSTNMBR"] for row in meeting.customers}
    ids = {row["accountid"] for row in found.accounts} - {row["accountid"] for row in meeting.accounts}
    for row in meeting.couples:
        if row["coupled"] and (row["key"] in keys or row["d365"] in ids):
            yield f"coupled with a stranger: {row['key']} and {row['d365']}"


def _alone(truth: Truth, meeting: Meeting, *, certain: bool) -> Iterable[str]:
    """A record whose counterpart nobody took away, and no restore, has one, or somebody waits for it. An account that was
    there before the app, and that nobody has edited since, is left alone.
    """
    partner = meeting.partner
    gone = {side for number, side in truth.gone if number == partner.number}
    if meeting.parked or gone or partner.number in truth.merged:
        return
    if not certain and meeting.couples:
        return
    if partner.there and partner.born == "d365" and not truth.edited(partner.number, "d365"):
        return
    if meeting.customers and not meeting.accounts:
        yield f"lost: customer {meeting.customers[0]['CUSTNMBR']} has no account"
    if meeting.accounts and not meeting.customers:
        yield f"lost: account {meeting.accounts[0]['accountid']} has no customer"


def _taken_for_deleted(truth: Truth, meeting: Meeting) -> Iterable[str]:
    """A record that is there, or that nobody took away."""
    number = meeting.partner.number
    taken = number in truth.merged or any(gone == number for gone, _ in truth.gone)
    if "deleted_in_source" in meeting.parked and not taken:
        yield "lost: taken for deleted, though nobody has deleted it"


def _apart(meeting: Meeting) -> Iterable[str]:
    """Both sides hold the same, up to the case of letters, or the difference waits for a person."""
    if meeting.parked or len(meeting.customers) != 1 or len(meeting.accounts) != 1:
        return
    customer, account = meeting.customers[0], meeting.accounts[0]
    for field in FIELDS:
        held = number_of(meeting.partner, field.attribute, "gp", customer.get(field.column))
        shown = number_of(meeting.partner, field.attribute, "d365", account.get(field.attribute))
        if held != shown:
            yield (
                f"apart: {field.attribute} is {customer.get(field.column)!r} in GP, {account.get(field.attribute)!r} in Dataverse"
            )


def _lost(truth: Truth, meeting: Meeting) -> Iterable[str]:
    """Each field holds what one of the two sides gave it last, or, of two that were merged, what was given the other."""
    partner = meeting.partner
    if partner.number in truth.merged or meeting.parked or len(meeting.customers) != 1 or len(meeting.accounts) != 1:
        return
    for field in FIELDS:
        last = truth.last(partner.number, field.attribute)
        for side, row, column in (
            ("gp", meeting.customers[0], field.column),
            ("d365", meeting.accounts[0], field.attribute),
        ):
            value = number_of(partner, field.attribute, side, row.get(column))
            if last and value not in last:
                yield f"lost: {field.attribute} is {row.get(column)!r} on the side of {side}, last given {sorted(last)}"


def number_of(partner: Partner, attribute: str, side: str, held: object) -> object:
    """The value that a text stands for, the text itself if it is none of a campaign's."""
    field, text = BY_NAME[attribute], str(held or "").casefold()
    spell = field.gp if side == "gp" else field.d365
    digits = text.removeprefix(partner.tag.casefold())
    for number in _numbers(digits):
        if spell(partner.tag, number).casefold() == text:
            return number
    return text


def _numbers(text: str) -> Iterable[int]:
    """The numbers that may be meant by the digits of a text."""
    digits = "".join(letter if letter.isdigit() else " " for letter in text).split()
    yield from map(int, digits)
    yield from (int(part[-3:]) for part in digits if len(part) >= 3)
    yield from (int(part[-7:-4]) for part in digits if len(part) > 7)


def _left_behind(found: Found) -> Iterable[str]:
    """A customer does not stay with an account that was merged into another, unless that is gone or somebody waits for it."""
    merged = {row["accountid"] for row in found.accounts if _has_master(row)}
    here = {(company, row["CUSTNMBR"]) for company, rows in found.customers.items() for row in rows}
    waiting = {(row["company"], row["key"]) for row in found.parked}
    for row in _couples(found):
        name = (row["PartitionKey"].partition(".")[0], row["key"])
        if row["coupled"] and row["d365"] in merged and name in here - waiting:
            yield f"left behind: customer {row['key']} is coupled with {row['d365']}, which was merged"


def _books(found: Found) -> Iterable[str]:
    """No write is left half done; one outcome for each message and key; nothing is paused."""
    yield from (f"paused: {row.get('text')}" for row in found.modes if row.get("mode", "on") != "on")
    yield from _left_behind(found)
    yield from (f"{row['key']} still has an intent" for row in _couples(found) if row["intent"])
    yield from (
        f"{row['key']} is missing still, and nobody looks for it again" for row in _couples(found) if row.get("missing")
    )
    outcomes = Counter((row["PartitionKey"], row["message_id"], row["key"], row["flow"]) for row in found.ledger)
    yield from (f"{name} has {count} outcomes" for name, count in outcomes.items() if count > 1)
    pointers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in _couples(found):
        if row["coupled"]:
            pointers[row["PartitionKey"], row["d365"]].add(row["key"])
    yield from (
        f"doubled: account {id_} is coupled with {sorted(keys)}" for (_, id_), keys in pointers.items() if len(keys) > 1
    )
