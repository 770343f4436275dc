"""The verdict sees each kind of harm, and calls nothing harm that a person is asked about."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.fields import FIELDS
from tests.chaos.plan import History, Partner, Step, plan
from tests.chaos.truth import Truth
from tests.chaos.verdict import Found, verdict

PARTNER = Partner(0, "KiloAA", "TWO", "gp", there=True, numbered=True, gp=900, d365=900)
KEY, ID = "KILOAA0001", "11111111-1111-4111-8111-111111111111"
HISTORY = History(1, plan(1).setting, (PARTNER,), ())


def customer(key: str = KEY, value: int = 900) -> dict[str, Any]:
    return {"CUSTNMBR": key, "INACTIVE": 0} | {field.column: field.gp(PARTNER.tag, value) for field in FIELDS}


def account(id_: str = ID, value: int = 900) -> dict[str, Any]:
    return {"accountid": id_} | {field.attribute: field.d365(PARTNER.tag, value) for field in FIELDS}


def couple(key: str = KEY, id_: str = ID, intent: str = "") -> dict[str, Any]:
    return {"PartitionKey": "TWO.customer", "key": key, "d365": id_, "coupled": True, "base": "{}", "intent": intent}


def truth(value: int = 900) -> Truth:
    known = Truth()
    known.made.add((0, "gp"))
    for field in FIELDS:
        known.gives(0, "gp", field.attribute, value)
    return known


WELL = Found({"TWO": [customer()], "THREE": []}, [account()], [couple()], [], [], [])


def said(found: Found, known: Truth | None = None, history: History = HISTORY) -> str:
    return " | ".join(verdict(history, known or truth(), found))


def test_what_agrees_is_well() -> None:
    assert said(WELL) == ""


def test_the_case_of_letters_is_no_difference() -> None:
    assert said(replace(WELL, accounts=[account() | {"name": "KILOAA V900"}])) == ""


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.attribute)
def test_a_field_that_differs_is_told(field: Any) -> None:
    other = account() | {field.attribute: field.d365(PARTNER.tag, 7)}
    assert f"apart: {field.attribute}" in said(replace(WELL, accounts=[other]))


def test_a_difference_that_waits_for_a_person_is_well() -> None:
    parked = [{"company": "TWO", "key": KEY, "code": "values_differ"}]
    other = account() | {"address1_city": "City 900", "name": "KiloAA v900", "telephone1": None}
    assert "apart" not in said(replace(WELL, accounts=[other], parked=parked))


def test_an_edit_that_is_nowhere_is_lost() -> None:
    assert "lost: name" in said(WELL, truth(value=901))


def test_after_a_restore_the_last_edit_is_not_expected() -> None:
    restored = replace(HISTORY, steps=(Step("company restored", seam="company restored"),))
    assert said(WELL, truth(value=901), restored) == ""


def test_two_accounts_of_one_customer_are_doubled() -> None:
    assert "doubled: 2 accounts" in said(replace(WELL, accounts=[account(), account("2" * 36)]))


def test_a_record_that_nobody_deleted_is_not_taken_for_deleted() -> None:
    parked = [{"company": "TWO", "key": KEY, "code": "deleted_in_source"}]
    deleted = truth()
    deleted.gone.add((0, "d365"))
    assert "taken for deleted" in said(replace(WELL, parked=parked))
    assert said(replace(WELL, parked=parked), deleted) == ""


def test_a_record_that_was_not_found_once_is_looked_for_again() -> None:
    assert "nobody looks for it again" in said(replace(WELL, crosswalk=[couple() | {"missing": "gp"}]))


def test_a_customer_without_an_account_is_lost_unless_somebody_waits_for_it() -> None:
    alone = replace(WELL, accounts=[], crosswalk=[])
    assert "has no account" in said(alone)
    assert said(replace(alone, parked=[{"company": "TWO", "key": KEY, "code": "lookup_missing"}])) == ""


def test_a_couple_of_two_partners_are_strangers() -> None:
    other = account() | {"accountid": "3" * 36, "name": "LimaAB v1"}
    assert "stranger" in said(replace(WELL, accounts=[account(), other], crosswalk=[couple(id_=other["accountid"])]))


def test_a_couple_whose_other_record_is_no_more_is_with_nobody_else() -> None:
    assert "stranger" not in said(replace(WELL, crosswalk=[couple(id_="3" * 36)]))


def test_an_account_of_two_customers_is_doubled() -> None:
    assert "is coupled with" in said(replace(WELL, crosswalk=[couple(), couple(key="OTHER")]))


def test_a_customer_left_with_a_merged_account_is_told_unless_somebody_waits_for_it() -> None:
    merged, known = account() | {"merged": 1, "masterid": "3" * 36}, truth()
    known.merged |= {0, 1}
    behind = replace(WELL, accounts=[merged])
    assert "left behind: customer KILOAA0001" in said(behind, known)
    assert said(replace(behind, parked=[{"company": "TWO", "key": KEY, "code": "account_merged"}]), known) == ""
    assert "left behind" not in said(replace(WELL, accounts=[merged | {"masterid": None}]), known)
    followed = replace(WELL, accounts=[merged, account("3" * 36, 901)], crosswalk=[couple(id_="3" * 36)])
    assert "lost" not in said(followed, known)
    assert "doubled" not in said(followed, known)


def test_a_write_left_half_done_is_told() -> None:
    assert "still has an intent" in said(replace(WELL, crosswalk=[couple(intent="{}")]))


def test_two_outcomes_of_one_message_and_key_are_told() -> None:
    line = {"PartitionKey": "TWO.customer", "message_id": "m", "key": KEY, "flow": "f"}
    assert "has 2 outcomes" in said(replace(WELL, ledger=[line, line]))
