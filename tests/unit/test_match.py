"""Which account a new customer may be: by key, by rule, by a person's word, or none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.mapping import Mapping, load_all
from sync.match import NEW, TOLD, Match, alone, chosen, decide, hits, told, wanted
from sync.merging import Meeting, _newer
from sync.stores.couple import NONE, Couple
from sync.stores.ledger import Result
from sync.system import Record
from sync.way import Turned
from tests.unit.conftest import MAPPINGS, Rig

WORDS = st.sampled_from([None, "", " ", "A", "a ", "Å", "å", "B"])
ACCOUNTS = st.lists(st.tuples(WORDS, WORDS, WORDS, st.sampled_from([None, "", "TWO-X"])), max_size=6)


@pytest.fixture(scope="session")
def mapping(mapping: Mapping) -> Mapping:
    """With rules that couple by themselves."""
    return replace(mapping, rules=mapping.rules.model_copy(update={"first_sync": "owner"}))


def account(id_: str, number: Any = None, name: Any = None, code: Any = None, key: Any = None, **more: Any) -> Record:
    values = {"accountnumber": number, "name": name, "address1_postalcode": code, "gp365_key": key, "statecode": 0}
    return Record(id_, values | more, 'W/"typed"')


def plain(text: Any) -> str:
    return (text or "").strip().casefold()


@given(WORDS, WORDS, WORDS, ACCOUNTS, st.sets(st.integers(0, 5)))
def test_the_first_rule_that_finds_a_free_account_decides(
    mapping: Mapping, number: Any, name: Any, code: Any, accounts: list[Any], taken: set[int]
) -> None:
    rows = [account(str(place), *of) for place, of in enumerate(accounts)]
    values = {"accountnumber": number, "name": name, "address1_postalcode": code}
    owners = {str(place): "OTHER" for place in taken}
    match = decide(mapping, "A1", hits(mapping, {"A1": values}, rows)["A1"], owners, "account")
    free = [of for place, of in enumerate(accounts) if not of[3] and place not in taken]
    by_number = sum(plain(of[0]) == plain(number) != "" for of in free)
    by_name = sum(plain(of[1]) == plain(name) != "" and plain(of[2]) == plain(code) != "" for of in free)
    assert bool(match.record) == (by_number == 1)
    assert bool(match.doubt) == (by_number > 1 or (by_number == 0 and by_name > 0))
    assert match.record is None or plain(match.record.values["accountnumber"]) == plain(number)


@given(st.lists(st.fixed_dictionaries({"accountnumber": WORDS, "name": WORDS, "address1_postalcode": WORDS})))
def test_only_whole_values_are_looked_for(mapping: Mapping, records: list[dict[str, Any]]) -> None:
    for attributes, texts in wanted({rule.by: rule for rule in mapping.match}, records).items():
        assert attributes in {rule.by for rule in mapping.match}
        assert all(text.strip() for each in texts for text in each)


def test_an_account_that_was_merged_into_another_is_nobodys(mapping: Mapping) -> None:
    merged = replace(account("x", "A1"), successor="y")
    assert decide(mapping, "A1", hits(mapping, {"A1": {"accountnumber": "A1"}}, [merged])["A1"], {}, "account") == NEW
    assert "was merged into y" in chosen(mapping, "A1", "x", merged, {}).doubt


def test_one_account_found_for_two_customers_is_a_doubt_about_both(mapping: Mapping) -> None:
    match = Match(account("x", "1"), "by accountnumber")
    decided = alone(mapping, {"A1": match, "B1": match, "C1": Match(account("y", "2"), "by accountnumber")})
    assert [bool(each.doubt) for each in decided.values()] == [True, True, False]
    assert decided["A1"].record is None


def test_many_accounts_are_told_by_their_number(mapping: Mapping) -> None:
    rows = [account(f"id{n}", "A1") for n in range(TOLD + 3)]
    match = decide(mapping, "A1", hits(mapping, {"A1": {"accountnumber": "A1"}}, rows)["A1"], {}, "account")
    assert match.doubt.startswith("A1 may be one of 8 accounts with the same accountnumber: ")
    assert match.doubt.endswith("; and 3 more.")


def test_an_account_is_told_by_what_people_know_it_by_and_whether_it_is_inactive(mapping: Mapping) -> None:
    row = account("id1", "A1", "Aaron\x07", address1_city="Oslo", statecode=1)
    assert told(mapping, row) == "name 'Aaron␇', accountnumber 'A1', address1_city 'Oslo', id id1, inactive"


def test_a_secret_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "customer.yaml").write_text("fields:\n  - {dataverse: address1_city, secret: true}\n")
    assert "Oslo" not in told(load_all(MAPPINGS, tmp_path)["customer"], account("id1", address1_city="Oslo"))


# on the line

TYPED = {"CUSTNAME": "Aaron", "bill_to.ZIP": "0150", "bill_to.CUSTNMBR": "A1"}


def add(rig: Rig, id_: str, *of: Any, **more: Any) -> None:
    empty = dict.fromkeys(rig.mapping.attributes)
    row = account(id_, *of, **more)
    rig.dataverse.rows[id_] = replace(row, values=empty | row.values)


async def one_parked(rig: Rig) -> Any:
    [entry] = await rig.parked()
    return entry


async def test_an_account_with_the_number_is_coupled_gets_our_key_and_is_told_so(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "a1 ", "Typed before")
    await rig.send("A1")
    assert list(rig.dataverse.rows) == ["known"]
    [write] = rig.dataverse.writes
    assert (write.claim, write.values["name"], rig.dataverse.rows["known"].values["gp365_key"]) == (
        True,
        "Aaron",
        "TWO-A1",
    )
    couple = await rig.couple("A1")
    assert (couple.id, couple.coupled) == ("known", True)
    [line] = await rig.history("A1")
    assert (line.result, line.text) == (Result.UPDATED, "coupled by accountnumber")
    await rig.send("A1")
    assert len(rig.dataverse.writes) == 1


async def test_an_account_that_agrees_already_still_gets_our_key(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    row = next(iter(rig.dataverse.rows.values()))
    rig.dataverse.rows = {"known": replace(row, key="known", values=row.values | {"gp365_key": None})}
    rig.crosswalk_table.entities.clear()
    await rig.send("A1")
    assert rig.dataverse.rows["known"].values["gp365_key"] == "TWO-A1"
    assert rig.dataverse.writes[-1].values == {}
    assert (await rig.couple("A1")).base["name"].d365 == "A"


async def test_the_same_name_and_postal_code_park_with_the_reasons(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "OTHER", "AARON", "0150", address1_city="Oslo", statecode=1)
    await rig.send("A1")
    entry = await one_parked(rig)
    assert entry.code == "possible_duplicate"
    assert entry.message == (
        "A1 may be the account with the same name and address1_postalcode: "
        "name 'AARON', accountnumber 'OTHER', address1_city 'Oslo', id known, inactive."
    )
    assert "python -m sync couple" in entry.next_step
    assert rig.dataverse.writes == []


@pytest.mark.parametrize("of", [("OTHER", "Aaron", None), ("OTHER", "Aaron", "9999"), ("OTHER", "Other", "0150")])
async def test_a_name_without_its_postal_code_is_another_one(rig: Rig, of: tuple[Any, ...]) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", *of)
    await rig.send("A1")
    assert len(rig.dataverse.rows) == 2


async def test_a_blank_postal_code_is_like_no_other(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", CUSTNAME="Aaron")
    add(rig, "known", "OTHER", "Aaron", None)
    await rig.send("A1")
    assert len(rig.dataverse.rows) == 2


async def test_two_accounts_with_the_number_park_and_both_are_named(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "one", "A1")
    add(rig, "two", "A1")
    await rig.send("A1")
    entry = await one_parked(rig)
    assert "one of 2 accounts with the same accountnumber" in entry.message
    assert "id one" in entry.message
    assert "id two" in entry.message


async def test_a_coupled_account_is_no_candidate_even_without_its_key(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "B1", CUSTNAME="B")
    await rig.send("B1")
    [id_] = rig.dataverse.rows
    rig.dataverse.edit(id_, gp365_key=None, accountnumber="A1")
    rig.gp.type_customer("TWO", "A1", **TYPED)
    await rig.send("A1")
    assert len(rig.dataverse.rows) == 2
    assert (await rig.couple("B1")).id == id_


async def test_an_account_with_another_records_key_is_no_candidate(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "theirs", "A1", "Aaron", "0150", "THREE-A1")
    await rig.send("A1")
    assert len(rig.dataverse.rows) == 2
    assert await rig.parked() == []


async def test_our_key_wins_over_every_rule(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "ours", "X", "X", None, "TWO-A1")
    add(rig, "alike", "A1", "Aaron", "0150")
    await rig.send("A1")
    assert (await rig.couple("A1")).id == "ours"


async def test_an_account_that_somebody_else_claims_meanwhile_is_left_to_them(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "A1")
    rig.dataverse.before_write = [lambda: rig.dataverse.edit("known", gp365_key="THREE-A1")]
    await rig.send("A1")
    couple = await rig.couple("A1")
    assert couple.id != "known"
    assert rig.dataverse.rows["known"].values["gp365_key"] == "THREE-A1"
    assert await rig.crosswalk.owners("TWO", "customer", ["known"]) == {}


async def test_a_key_that_appears_elsewhere_meanwhile_is_the_one(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "A1")
    rig.dataverse.before_write = [lambda: add(rig, "keyed", "Y", key="TWO-A1")]
    await rig.send("A1")
    assert (await rig.couple("A1")).id == "keyed"
    assert rig.dataverse.rows["known"].values["gp365_key"] is None


async def test_a_claim_cut_before_it_landed_is_fenced_and_matched_anew(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "A1")
    rig.dataverse.cut_before = 1
    await rig.send("A1")
    rig.dataverse.edit("known", accountnumber="CHANGED")
    await rig.send(message=rig.lanes.sent[0][1])
    couple = await rig.couple("A1")
    assert (couple.coupled, couple.id != "known", len(rig.dataverse.rows)) == (True, True, 2)


async def test_a_claim_cut_after_it_landed_is_found(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "A1")
    rig.dataverse.cut_after = 1
    await rig.send("A1")
    await rig.send(message=rig.lanes.sent[0][1])
    assert (await rig.couple("A1")).id == "known"
    assert len(rig.dataverse.writes) == 1


async def test_a_create_that_may_still_land_is_tried_again_and_not_matched(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    rig.dataverse.cut_before = 1
    await rig.send("A1")
    reserved = (await rig.couple("A1")).id
    add(rig, "known", "A1")
    await rig.send(message=rig.lanes.sent[0][1])
    assert (await rig.couple("A1")).id == reserved
    assert rig.dataverse.rows["known"].values["gp365_key"] is None


async def test_a_create_cut_short_is_not_taken_for_an_account_that_got_its_key_elsewhere(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    rig.dataverse.cut_before = 1
    await rig.send("A1")
    add(rig, "keyed", "Y", key="TWO-A1")
    await rig.send(message=rig.lanes.sent[0][1])
    assert (await rig.couple("A1")).id == "keyed"
    assert rig.dataverse.rows["keyed"].values["name"] == "Aaron"


# what a person says


async def answer(rig: Rig, key: str, said: str) -> None:
    couple = await rig.couple(key)
    await rig.crosswalk.save([(couple, replace(couple, answer=said))])


async def test_the_account_that_a_person_chose_is_coupled(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "OTHER", "Aaron", "0150")
    await rig.send("A1")
    await answer(rig, "A1", "known")
    await rig.send("A1")
    assert (await rig.couple("A1")).id == "known"
    assert await rig.parked() == []
    assert (await rig.history("A1"))[0].text == "coupled by a person"


async def test_a_customer_that_a_person_called_another_one_is_created(rig: Rig) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "A1", "Aaron", "0150")
    add(rig, "too", "A1")
    await rig.send("A1")
    await answer(rig, "A1", NONE)
    await rig.send("A1")
    assert len(rig.dataverse.rows) == 3
    assert await rig.parked() == []


def gone(rig: Rig) -> None:
    del rig.dataverse.rows["known"]


def taken(rig: Rig) -> None:
    rig.dataverse.edit("known", gp365_key="TWO-B1")


@pytest.mark.parametrize(("change", "said"), [(gone, "is not there"), (taken, "belongs to TWO-B1 now")])
async def test_a_choice_that_can_not_be_any_more_is_asked_again(
    rig: Rig, change: Callable[[Rig], None], said: str
) -> None:
    rig.gp.type_customer("TWO", "A1", **TYPED)
    add(rig, "known", "OTHER", "Aaron", "0150")
    await rig.send("A1")
    await answer(rig, "A1", "known")
    change(rig)
    await rig.send("A1")
    assert said in (await one_parked(rig)).message


# first_sync


@pytest.mark.parametrize(
    ("policy", "held", "ends"),
    [("gp", "+1", "+2"), ("d365", "+1", "+1"), ("d365", None, "+2"), ("fill", "+1", "+1"), ("fill", None, "+2")],
)
async def test_first_sync_says_whose_value_holds_at_first_and_gp_leads_from_then_on(
    rig: Rig, tmp_path: Path, policy: str, held: str | None, ends: str | None
) -> None:
    use(rig, tmp_path, f"{{dataverse: fax, converter: trim, first_sync: {policy}}}")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", FAX="+2")
    add(rig, "known", "A1", fax=held)
    await rig.send("A1")
    await rig.send("A1")
    assert rig.dataverse.rows["known"].values["fax"] == ends
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", FAX="+3")
    await rig.send("A1")
    assert rig.dataverse.rows["known"].values["fax"] == "+3"


async def test_review_parks_with_both_values_until_they_agree(rig: Rig, tmp_path: Path) -> None:
    use(rig, tmp_path, "{dataverse: fax, converter: trim, first_sync: review}")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", FAX="+2")
    add(rig, "known", "A1", fax="+1")
    await rig.send("A1")
    entry = await one_parked(rig)
    assert (entry.code, "'+2'" in entry.message, "'+1'" in entry.message) == ("values_differ", True, True)
    assert rig.dataverse.writes == []
    rig.dataverse.edit("known", fax="+2")
    await rig.send("A1")
    assert ((await rig.couple("A1")).id, await rig.parked()) == ("known", [])


async def test_review_tells_no_secret(rig: Rig, tmp_path: Path) -> None:
    use(rig, tmp_path, "{dataverse: fax, converter: trim, first_sync: review, secret: true}")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", FAX="+2")
    add(rig, "known", "A1", fax="+1")
    await rig.send("A1")
    message = (await one_parked(rig)).message
    assert "fax (hidden)" in message
    assert "+1" not in message
    assert "+2" not in message


async def test_an_account_of_our_own_making_takes_gps_values_whatever_first_sync_says(rig: Rig, tmp_path: Path) -> None:
    use(rig, tmp_path, "{dataverse: fax, converter: trim, first_sync: d365}")
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", FAX="+1")
    rig.dataverse.cut_after = 1
    await rig.send("A1")
    couple = await rig.couple("A1")
    await rig.crosswalk.save([(couple, replace(couple, intent=None, base={}))])
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A", FAX="+2")
    await rig.send(message=rig.lanes.sent[0][1])
    [row] = rig.dataverse.rows.values()
    assert row.values["fax"] == "+2"


def use(rig: Rig, folder: Path, field: str) -> None:
    """Let the line work with an overlay of one field."""
    (folder / "customer.yaml").write_text(f"one_way: gp\nfirst_sync: owner\nfields:\n  - {field}\n")
    rig.deliveries._pipeline._mappings = load_all(MAPPINGS, folder)


def test_a_report_leaves_to_a_person_what_a_rule_would_couple(mapping: Mapping) -> None:
    cautious = replace(mapping, rules=mapping.rules.model_copy(update={"first_sync": "report"}))
    found = hits(cautious, {"A1": {"accountnumber": "A1"}}, [account("x", "A1")])["A1"]
    assert decide(cautious, "A1", found, {}, "account").doubt
    assert decide(mapping, "A1", found, {}, "account").record


@pytest.mark.parametrize(
    ("gp", "d365", "holds"),
    [
        ("2026-11-27T12:00:00.000", datetime(2026, 11, 27, 11, tzinfo=UTC), "gp"),
        ("2026-11-27T10:00:00.000", datetime(2026, 11, 27, 11, tzinfo=UTC), "d365"),
        ("2026-11-27T11:00:30.000", datetime(2026, 11, 27, 11, tzinfo=UTC), None),
        ("", datetime(2026, 11, 27, 11, tzinfo=UTC), None),
        ("2026-11-27T12:00:00.000", None, None),
    ],
)
def test_the_newest_value_holds_only_where_both_clocks_tell_an_order(
    mapping: Mapping, gp: str, d365: datetime | None, holds: str | None
) -> None:
    met = Meeting(Couple("TWO", "customer", "A1"), Record("A1", {}, gp), Record("x", {}, changed=d365), Turned({}, []), False,
                  frozenset(), True, False)  # fmt: skip
    assert _newer(mapping.field("name"), met, "gp") == holds
    assert _newer(mapping.field("address1_city"), met, "gp") is None
