"""A verdict says what is known: whether it landed, and if not, whose fault it was."""

import pytest

from sync.errors import BadSettings, Rejected, RetryLater
from sync.system import Outcome, Verdict, Write
from sync.systems.gp.marks import stored_mark
from sync.systems.gp.verdicts import answers, busy, verdict

from .scripted import customer
from .test_reader import row

MARK = "c7c72ec1ae9240d0a3931e6b20e06727"
MAPPING = customer()


def told(outcome: str, **other: object) -> dict[str, object]:
    plain = {"called": "", "state": 0, "numbers": "", "error": 0, "told": "", "found": 1}
    return {"gp365_record": 0, "outcome": outcome, **plain, **other}


def judged(*rows: dict[str, object], create: bool = False, values: dict | None = None, mapping=MAPPING) -> Verdict:
    write = Write("A1", values or {}, MARK, create=create)
    [answer] = answers([[each] for each in rows], 1)
    return verdict(("sql01:1433", "TWO"), mapping, write, answer, {})


def kept(mark: str = MARK) -> dict[str, object]:
    return {"gp365_kept": 0, **row(MAPPING, CUSTNMBR="A1", INTEGRATIONID=stored_mark(mark))}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("changed", Outcome.CHANGED), ("expired", Outcome.CHANGED), ("gone", Outcome.GONE), ("written", Outcome.WRITTEN)],
)
def test_what_a_batch_found_is_the_verdict(outcome: str, expected: Outcome) -> None:
    assert judged(told(outcome)).outcome is expected


@pytest.mark.parametrize("number", [1205, 1222, 3960])
def test_a_lock_or_a_deadlock_is_known_not_to_have_landed(number: int) -> None:
    found = judged(told("error", error=number, told="waiting"))
    assert (found.outcome, type(found.error)) == (Outcome.REFUSED, RetryLater)
    assert found.error.key == "A1"


def test_a_missing_right_is_the_installations_fault_and_is_tried_later() -> None:
    found = judged(told("error", error=229, told="EXECUTE denied"))
    assert (found.outcome, type(found.error)) == (Outcome.REFUSED, BadSettings)


@pytest.mark.parametrize(("number", "code"), [(547, "unexpected"), (8152, "unexpected"), (8115, "source_unreadable")])
def test_any_other_error_of_the_server_parks_the_record(number: int, code: str) -> None:
    found = judged(told("error", error=number, told="refused"))
    assert (found.outcome, type(found.error), found.error.code) == (Outcome.FAILED, Rejected, code)


def test_no_answer_is_an_open_question() -> None:
    found = judged()
    assert (found.outcome, type(found.error)) == (Outcome.FAILED, RetryLater)


def test_a_transaction_that_somebody_else_ended_is_judged_by_the_mark() -> None:
    landed = judged(kept(), told("unknown", error=266, told="count"))
    assert (landed.outcome, type(landed.error)) == (Outcome.FAILED, RetryLater)
    undone = judged(kept("0" * 32), told("unknown", error=266, told="count"))
    assert (undone.outcome, type(undone.error)) == (Outcome.FAILED, Rejected)
    unseen = judged(told("unknown", error=266, told="count", found=-1))
    assert (unseen.outcome, type(unseen.error)) == (Outcome.FAILED, RetryLater)


@pytest.mark.parametrize("refusal", [{"numbers": " 251", "state": 251}, {"numbers": "", "state": 251}])
def test_a_create_that_its_procedure_finds_there_already_met_another(refusal: dict) -> None:
    found = judged(kept("0" * 32), told("refused", **refusal), create=True)
    assert (found.outcome, found.kept.mark) == (Outcome.EXISTS, "0" * 32)


def test_a_duplicate_of_another_row_than_the_customers_is_a_refusal() -> None:
    assert judged(told("error", error=2627, told="RM00103"), create=True).outcome is Outcome.FAILED


def test_all_numbers_are_told_and_the_last_one_does_not_hide_the_cause() -> None:
    found = judged(told("refused", called="taUpdateCreateCustomerRcd", numbers=" 117 143", state=143))
    assert found.error.code == "not_set_up_in_gp"
    assert "tax schedule (error 117)" in found.error.message
    assert "143" not in found.error.message
    assert found.error.details == "taUpdateCreateCustomerRcd: 117 143"


def test_a_state_without_a_list_is_a_number_too() -> None:
    assert "error 250" in judged(told("refused", numbers="", state=250)).error.message


def test_words_that_tell_of_a_secret_are_hidden() -> None:
    fields = tuple(MAPPING.fields)
    secret = next(field for field in fields if field.name == "name")
    from dataclasses import replace

    hidden = replace(secret, rule=secret.rule.model_copy(update={"secret": True}))
    mapping = replace(MAPPING, fields=(hidden, *(field for field in fields if field is not secret)))
    answer = told("error", error=547, told="CHECK failed for 'Top secret Ltd'")
    found = judged(answer, values={"CUSTNAME": "Top secret Ltd"}, mapping=mapping)
    assert "Top secret" not in str(found.error.as_dict())
    assert "Top secret" in judged(answer, values={"CUSTNAME": "Top secret Ltd"}).error.message


def test_the_server_is_busy_when_one_record_met_a_lock_or_had_no_turn() -> None:
    assert busy([[told("error", error=1222)]])
    assert busy([[told("late")]])
    assert not busy([[told("written")], [kept()]])


@pytest.mark.parametrize("number", [251, 9366])
def test_a_new_customer_or_address_that_the_procedure_finds_there_is_met(number: int) -> None:
    found = judged(kept("0" * 32), told("refused", numbers=str(number)), create=True)
    assert (found.outcome, found.kept.key) == (Outcome.EXISTS, "A1")


def test_a_code_that_the_customer_names_without_having_it_is_a_persons() -> None:
    found = judged(told("named"), create=True)
    assert (found.outcome, found.error.code) == (Outcome.FAILED, "refused_by_target")
