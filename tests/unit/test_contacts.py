"""A contact person of a customer's address becomes a contact of its account, and the main one its primary contact."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.differs import Watched, is_news
from sync.directions import in_use
from sync.errors import BadSettings, Rejected, RetryLater
from sync.flow import find_flows
from sync.mapping import load_all
from sync.message import Message
from sync.operations.couple import couple
from sync.operations.describe import describe
from sync.operations.resolve import resolve
from sync.operations.uncouple import uncouple
from sync.stores.couple import NONE, Agreed, Couple
from sync.stores.ledger import FieldChange, Line
from sync.system import Record
from tests.fakes import later
from tests.unit.conftest import MAPPINGS, Rig
from tests.unit.further import Pairs, line_of, switched_on

FLOW = "contact_gp_to_dataverse"
KEY = "A1~PRIMARY"
LINK = "account.primarycontactid"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return switched_on(tmp_path_factory.mktemp("overlays"), "contact", "enabled: true")


@pytest.fixture
def line(rig: Rig, pairs: Pairs) -> Rig:
    """The line with contacts switched on."""
    return line_of(rig, pairs)


def type_person(rig: Rig, pairs: Pairs, name: str, code: str = "PRIMARY", **values: str) -> None:
    """A clerk types the contact person of an address of customer A1, whose main address is PRIMARY."""
    defaults = {"customer.CUSTNMBR": "A1", "customer.ADRSCODE": "Primary", "ADRSCODE": code, "CNTCPRSN": name}
    row = dict.fromkeys(pairs["contact"].gp.paths, "") | defaults | values
    rig.gp.records["TWO", f"A1~{code}"] = Record(f"A1~{code}", dict(row))


async def send(rig: Rig, *keys: str, message: Message | None = None, delivery: int = 1) -> Message:
    message = message or Message.new(FLOW, "TWO", keys or [KEY], "timestamp")
    await rig.deliveries.receive(message.to_json(), delivery, "to-dataverse")
    return message


async def again(rig: Rig, message: Message) -> None:
    """The message of an interrupted worker is delivered once more, when its visibility is over."""
    later(rig.crosswalk_table, timedelta(minutes=11))
    await send(rig, message=message.again(message.keys))


async def with_account(rig: Rig) -> str:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Ann")
    await rig.send("A1")
    [account] = rig.dataverse.rows
    return account


async def with_contact(rig: Rig, pairs: Pairs, name: str = "Ida Berg") -> tuple[str, str]:
    """A customer and its contact person arrive: the ids of account and contact."""
    account = await with_account(rig)
    type_person(rig, pairs, name)
    await send(rig)
    [contact] = contacts(rig)
    return account, contact.key


def contacts(rig: Rig) -> list[Record]:
    return [row for row in rig.dataverse.rows.values() if "lastname" in row.values]


def primary(rig: Rig, account: str) -> object:
    return rig.dataverse.rows[account].values.get("primarycontactid")


async def couple_of(rig: Rig, pair: str = "contact", key: str = KEY) -> Couple:
    return (await rig.crosswalk.read("TWO", pair, [key]))[key]


async def history(rig: Rig, key: str = KEY) -> list[Line]:
    return await rig.ledger.history("TWO", "contact", key)


async def codes(rig: Rig) -> list[tuple[str, str]]:
    return [(entry.key, entry.code) for entry in await rig.parked()]


def names(pairs: Pairs, text: str) -> tuple[str | None, str | None]:
    mapping = pairs["contact"]
    fields = mapping.convert(dict.fromkeys(mapping.gp.paths, "") | {"CNTCPRSN": text}, {}).fields
    first, last = fields["firstname"].target, fields["lastname"].target
    assert isinstance(first, str | None)
    assert isinstance(last, str | None)
    return first, last


# The name


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("Ida Berg", "Ida", "Berg"),
        ("Berg, Ida", "Ida", "Berg"),
        ("van der Berg, Ida Maria", "Ida Maria", "van der Berg"),
        ("Ida  Maria Berg", "Ida Maria", "Berg"),
        (" Berg ", None, "Berg"),
        ("Berg,", None, "Berg"),
        (", Ida", None, "Ida"),
        ("Berg, Ida, CFO", "Ida, CFO", "Berg"),
    ],
)
def test_a_name_is_taken_apart(pairs: Pairs, typed: str, first: str | None, last: str) -> None:
    assert names(pairs, typed) == (first, last)


WORDS = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), max_size=12)


@given(st.lists(WORDS, max_size=4), st.sampled_from([" ", ", ", ",", "  "]))
def test_no_character_of_a_name_is_lost_but_blanks_and_commas(pairs: Pairs, words: list[str], between: str) -> None:
    typed = between.join(words).rstrip(" ")
    if len(typed) > 50 or not takes_part(pairs, CNTCPRSN=typed):
        return
    first, last = names(pairs, typed)
    assert last
    assert letters(f"{first or ''}{last}") == letters(typed)


def letters(text: str) -> str:
    """All but blanks and commas, in the order of the alphabet."""
    return "".join(sorted(char for char in text if not char.isspace() and char != ","))


def takes_part(pairs: Pairs, **values: str | None) -> bool:
    mapping = pairs["contact"]
    return mapping.takes_part(dict.fromkeys(mapping.gp.paths, "") | {"customer.CUSTNMBR": "A1"} | values)


def test_an_address_without_a_person_or_a_customer_is_no_contact(pairs: Pairs) -> None:
    assert takes_part(pairs, CNTCPRSN="Ida")
    assert not takes_part(pairs, CNTCPRSN="")
    assert not takes_part(pairs, CNTCPRSN=" , ")
    assert not takes_part(pairs, CNTCPRSN="Ida", **{"customer.CUSTNMBR": None})


async def test_a_name_that_does_not_fit_is_parked_and_not_cut(line: Rig, pairs: Pairs) -> None:
    await with_account(line)
    type_person(line, pairs, "B" * 60)
    await send(line)
    assert await codes(line) == [(KEY, "value_too_long")]


# The contact


async def test_a_person_arrives_at_the_account_and_an_edit_follows(line: Rig, pairs: Pairs) -> None:
    account, contact = await with_contact(line, pairs)
    row = line.dataverse.rows[contact]
    assert [write.parent for write in line.dataverse.writes[1:]] == [account]
    assert (row.values["firstname"], row.values["lastname"]) == ("Ida", "Berg")
    assert row.values["gp365_key"] == "TWO-A1_7EPRIMARY"
    type_person(line, pairs, "Ida Berg", **{"PHONE1": "41455501450000", "internet.INET1": "ida@example.com"})
    await send(line)
    [row] = contacts(line)
    assert (row.values["telephone1"], row.values["emailaddress1"]) == ("+1 414-555-0145", "ida@example.com")


async def test_a_person_erased_in_gp_is_parked_and_comes_back_by_itself(line: Rig, pairs: Pairs) -> None:
    await with_contact(line, pairs)
    type_person(line, pairs, "")
    await send(line)
    assert await codes(line) == [(KEY, "left_scope")]
    type_person(line, pairs, "Ida Berg", PHONE1="41455501450000")
    await send(line)
    assert (await codes(line), len(contacts(line))) == ([], 1)


def test_it_is_described_with_what_it_belongs_to(pairs: Pairs) -> None:
    page = describe(find_flows()[FLOW], pairs["contact"])
    assert "- Each belongs to a customer, by `parentcustomerid_account`, and comes after it" in page
    assert "- Becomes its `primarycontactid`, where that is empty" in page
    assert "- Another person's name is not taken over unasked" in page


def test_it_is_switched_off_as_shipped() -> None:
    mappings = load_all(MAPPINGS)
    assert not mappings["contact"].rules.enabled
    assert FLOW not in in_use(find_flows(), mappings)


# The link


async def test_the_person_of_the_main_address_becomes_the_primary_contact_once(line: Rig, pairs: Pairs) -> None:
    account, contact = await with_contact(line, pairs)
    assert primary(line, account) == contact
    [told] = await history(line)
    assert told.changes[-1] == FieldChange(LINK, None, contact, "it referred to none")
    assert (told.result, {change.field for change in told.changes} >= {"lastname", LINK}) == ("created", True)
    assert (await couple_of(line)).base[LINK] == Agreed(True, contact)
    entities, calls = dict(line.crosswalk_table.entities), line.crosswalk_table.calls
    await send(line)
    assert len(line.dataverse.references) == 1
    assert line.crosswalk_table.entities == entities, "an echo writes nothing, not even a row"
    assert line.crosswalk_table.calls == calls + 1, "nor does it look for one"


async def test_the_account_keeps_the_mark_of_the_customers_own_write(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    mark = line.dataverse.rows[account].mark
    type_person(line, pairs, "Ida Berg")
    await send(line)
    assert line.dataverse.references
    assert line.dataverse.rows[account].mark == mark


async def test_the_person_of_another_address_does_not(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    type_person(line, pairs, "Ola Holm", "WAREHOUSE")
    await send(line, "A1~WAREHOUSE")
    assert (primary(line, account), len(contacts(line))) == (None, 1)


async def test_a_primary_contact_that_somebody_chose_stays(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    line.dataverse.edit(account, primarycontactid="somebody")
    type_person(line, pairs, "Ida Berg")
    await send(line)
    assert (primary(line, account), line.dataverse.references) == ("somebody", [])
    line.dataverse.edit(account, primarycontactid=None)
    type_person(line, pairs, "Ida Berg", PHONE1="41455501450000")
    await send(line)
    assert primary(line, account) is None, "who takes it away has chosen too"


async def test_a_choice_made_meanwhile_stays(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    line.dataverse.before_refer = [lambda: line.dataverse.edit(account, primarycontactid="somebody")]
    type_person(line, pairs, "Ida Berg")
    await send(line)
    assert (primary(line, account), line.dataverse.references) == ("somebody", [])
    assert line.lanes.sent == []


async def test_another_edit_meanwhile_hinders_nothing(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    line.dataverse.before_refer = [lambda: line.dataverse.edit(account, fax="1")]
    type_person(line, pairs, "Ida Berg")
    await send(line)
    assert primary(line, account) == contacts(line)[0].key
    assert line.dataverse.rows[account].values["fax"] == "1"


@pytest.mark.parametrize("cut", ["cut_before", "cut_after", "cut_after_refer"])
async def test_whoever_goes_on_after_an_interruption_links_it_and_tells_so_once(
    line: Rig, pairs: Pairs, cut: str
) -> None:
    account = await with_account(line)
    type_person(line, pairs, "Ida Berg")
    setattr(line.dataverse, cut, 1)
    await again(line, await send(line))
    [contact] = contacts(line)
    assert primary(line, account) == contact.key
    assert len(line.dataverse.references) == 1
    changes = [change for told in await history(line) for change in told.changes]
    assert sum(change.field == LINK for change in changes) == 1
    assert sum(change.field == "lastname" for change in changes) == 1
    assert (await couple_of(line)).base[LINK] == Agreed(True, contact.key)


async def test_a_write_of_the_customer_under_way_is_waited_for(line: Rig, pairs: Pairs) -> None:
    """We would be the last who modified the account: whoever settles that write would take a person's edit for its own."""
    account = await with_account(line)
    line.gp.type_customer("TWO", "A1", CUSTNAME="Anna")
    line.dataverse.cut_after = 1
    customers = await line.send("A1")
    line.dataverse.edit(account, telephone1="555")
    line.lanes.sent.clear()
    type_person(line, pairs, "Ida Berg")
    await send(line)
    [(_, waiting, _)] = line.lanes.sent
    assert (waiting.keys, line.dataverse.references) == ((KEY,), [])
    await again(line, customers)
    await send(line, message=waiting)
    assert primary(line, account) == contacts(line)[0].key
    assert line.dataverse.rows[account].values["name"] == "Anna"


async def test_a_link_that_dataverse_refuses_is_a_persons(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    line.dataverse.refuse[account] = Rejected("no", code="refused_by_target")
    type_person(line, pairs, "Ida Berg")
    await send(line)
    assert await codes(line) == [(KEY, "refused_by_target")]
    del line.dataverse.refuse[account]
    await send(line)
    assert (primary(line, account), await codes(line)) == (contacts(line)[0].key, [])


async def test_a_link_that_must_wait_is_tried_again(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    line.dataverse.refuse[account] = RetryLater("busy", code="throttled")
    type_person(line, pairs, "Ida Berg")
    await send(line)
    [(_, waiting, _)] = line.lanes.sent
    del line.dataverse.refuse[account]
    await send(line, message=waiting)
    assert primary(line, account) == contacts(line)[0].key


async def test_where_the_account_is_gone_nothing_is_linked(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    type_person(line, pairs, "Ida Berg", **{"customer.ADRSCODE": "WAREHOUSE"})
    await send(line)
    del line.dataverse.rows[account]
    type_person(line, pairs, "Ida Berg")
    await send(line)
    assert (line.dataverse.references, line.lanes.sent, await codes(line)) == ([], [], [])


async def test_a_record_that_waits_for_a_person_is_not_linked(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    type_person(line, pairs, "Ida Berg", **{"customer.ADRSCODE": "WAREHOUSE"})
    await send(line)
    type_person(line, pairs, "Ola Holm")
    await send(line)
    assert await codes(line) == [(KEY, "another_person")]
    assert primary(line, account) is None


async def test_the_sweep_finds_what_is_not_linked_yet(line: Rig, pairs: Pairs) -> None:
    account = await with_account(line)
    type_person(line, pairs, "Ida Berg", **{"customer.ADRSCODE": "WAREHOUSE"})
    await send(line)
    watched, now = Watched(datetime(2020, 1, 1, tzinfo=UTC), True), datetime.now(UTC)

    async def news() -> bool:
        return is_news(pairs["contact"], await couple_of(line), line.gp.records["TWO", KEY], watched, now)

    assert not await news()
    type_person(line, pairs, "Ida Berg")
    assert await news(), "its address is the main one now"
    await send(line)
    assert primary(line, account) == contacts(line)[0].key
    assert not await news()


# Another person


@pytest.mark.parametrize("name", ["John Berg", "Berg, John", "Jon Maria Berg"])
async def test_a_name_put_right_renames_the_contact(line: Rig, pairs: Pairs, name: str) -> None:
    _, contact = await with_contact(line, pairs, "Jon Berg")
    type_person(line, pairs, name)
    await send(line)
    assert await codes(line) == []
    row = line.dataverse.rows[contact].values
    assert (row["firstname"], row["lastname"]) == names(pairs, name)


async def test_another_persons_name_renames_nobody(line: Rig, pairs: Pairs) -> None:
    _, contact = await with_contact(line, pairs)
    type_person(line, pairs, "Ola Holm", PHONE1="41455501450000")
    await send(line)
    assert await codes(line) == [(KEY, "another_person")]
    [entry] = await line.parked()
    assert "'Ida Berg'" in entry.message
    assert "'Ola Holm'" in entry.message
    row = line.dataverse.rows[contact].values
    assert (row["lastname"], row["telephone1"]) == ("Berg", None), "the phone is the new person's"
    type_person(line, pairs, "Ida Berg", PHONE1="41455501450000")
    await send(line)
    assert await codes(line) == [], "it was a mistake"


def runtime_of(rig: Rig, pairs: Pairs) -> Any:
    return SimpleNamespace(
        flows=rig.deliveries._flows,
        mappings=pairs,
        crosswalk=rig.crosswalk,
        lanes=rig.lanes,
        parked=rig.parked_store,
        records=rig.dataverse,
        ledger=rig.ledger,
        settings=SimpleNamespace(companies=["TWO"]),
    )


async def test_a_person_says_that_it_is_the_same_one(line: Rig, pairs: Pairs) -> None:
    _, contact = await with_contact(line, pairs)
    type_person(line, pairs, "Ida Holm")
    await send(line)
    decided, _ = await resolve(runtime_of(line, pairs), await line.parked(), "gp")
    await line.rest()
    assert (len(decided), await codes(line)) == (1, [])
    assert line.dataverse.rows[contact].values["lastname"] == "Holm"
    type_person(line, pairs, "Ola Lie")
    await send(line)
    assert await codes(line) == [(KEY, "another_person")], "it was said of that change alone"


async def test_a_person_says_that_it_is_another_one_who_gets_a_contact_of_their_own(line: Rig, pairs: Pairs) -> None:
    account, old = await with_contact(line, pairs)
    type_person(line, pairs, "Ola Holm")
    await send(line)
    runtime = runtime_of(line, pairs)
    await uncouple(runtime, f"contact/TWO/{KEY}", restore=False)
    await couple(runtime, f"contact/TWO/{KEY}", NONE)
    await line.rest()
    assert await codes(line) == []
    kept, new = sorted(contacts(line), key=lambda row: row.key != old)
    assert (kept.values["lastname"], kept.values["gp365_key"]) == ("Berg", None)
    assert (new.values["lastname"], new.values["gp365_key"]) == ("Holm", "TWO-A1_7EPRIMARY")
    assert primary(line, account) == old, "a person decides who is the primary contact now"


async def test_where_two_contacts_are_merged_the_other_address_waits_for_a_person(line: Rig, pairs: Pairs) -> None:
    _, contact = await with_contact(line, pairs)
    type_person(line, pairs, "Ida Berg", "WAREHOUSE")
    await send(line, "A1~WAREHOUSE")
    [other] = [row.key for row in contacts(line) if row.key != contact]
    line.dataverse.merge(other, contact)
    type_person(line, pairs, "Ida Berg", "WAREHOUSE", PHONE1="41455501450000")
    await send(line, "A1~WAREHOUSE")
    assert await codes(line) == [("A1~WAREHOUSE", "account_merged")]


async def test_dataverses_name_can_not_be_taken_for_another_persons(line: Rig, pairs: Pairs) -> None:
    await with_contact(line, pairs)
    type_person(line, pairs, "Ola Holm")
    await send(line)
    _, [refused] = await resolve(runtime_of(line, pairs), await line.parked(), "d365")
    assert "couple RECORD --none" in refused.message


# What the start refuses


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ("parent: {link: {dataverse: primarycontact}}", "primarycontact is no look-up of account; did you mean primarycontactid?"),
        ("parent: {link: {dataverse: name}}", "name is no look-up of account"),
        ("parent: {link: {when: ADRSCODES = 'A'}}", "ADRSCODES is no column of RM00102; did you mean ADRSCODE?"),
        ("parent: {link: {when: ADRSCODE = }}", "is no JSONata expression"),
        ("parent: {link: {dataverse: primarycontactid, if: a}}", "if"),
        ("person: [fullname]", "no field from GP fills fullname"),
        ("person: [firstname, lastnam]", "no field from GP fills lastnam; did you mean lastname?"),
    ],
)  # fmt: skip
def test_a_link_or_a_person_that_can_not_be_is_told_at_start(tmp_path: Path, over: str, said: str) -> None:
    (tmp_path / "contact.yaml").write_text(over, "utf-8")
    with pytest.raises(BadSettings) as caught:
        load_all(MAPPINGS, tmp_path)
    assert caught.value.code == "mapping_invalid"
    assert said in caught.value.message


def test_the_overlay_of_the_how_to_takes_names_apart_in_another_way(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "contacts.md").read_text("utf-8")
    [text] = re.findall("```yaml\n# overlay\n(.*?)```", page, re.DOTALL)
    (tmp_path / "contact.yaml").write_text(text, "utf-8")
    mapping = load_all(MAPPINGS, tmp_path)["contact"]
    fields = mapping.convert(dict.fromkeys(mapping.gp.paths, "") | {"CNTCPRSN": "Berg, Ida"}, {}).fields
    assert (fields["lastname"].target, "firstname" in fields) == ("Berg, Ida", False)


def test_a_base_names_the_link_as_no_attribute_is_named(pairs: Pairs) -> None:
    assert (pairs["contact"].link, pairs["address"].link) == (LINK, "")
    assert not pairs["address"].is_linked({})


def test_what_a_link_asks_is_read(pairs: Pairs) -> None:
    assert "customer.ADRSCODE" in pairs["contact"].gp.paths
