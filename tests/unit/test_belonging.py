"""Which accounts take part, and of which company each is."""

import pytest

from sync.belonging import Belonging
from sync.errors import Rejected
from sync.expression import Expression

COMPANIES = ("TWO", "THREE")


def belonging(scope=None, company=None):
    return Belonging("account", "gp365_key", *(Expression(text) if text else None for text in (scope, company)))


def refusal(told, values, companies=COMPANIES):
    with pytest.raises(Rejected) as caught:
        told.company_of(values, companies)
    return caught.value


def test_without_a_scope_everything_takes_part():
    assert belonging().in_scope({})


def test_a_scope_is_asked_of_the_record_and_an_unknown_value_is_none():
    customers = belonging(scope="customertypecode = 3")
    assert customers.in_scope({"customertypecode": 3})
    assert not customers.in_scope({"customertypecode": 8})
    assert not customers.in_scope({})


@pytest.mark.parametrize("scope", ["customertypecode", "$number(name) = 1"])
def test_a_scope_that_is_neither_true_nor_false_is_refused_never_guessed(scope):
    with pytest.raises(Rejected) as caught:
        belonging(scope=scope).in_scope({"customertypecode": 3, "name": "x"})
    assert (caught.value.code, caught.value.system) == ("value_invalid", "dataverse")


def test_the_only_company_needs_no_expression():
    assert belonging().company_of({}, ("TWO",)) == "TWO"
    assert refusal(belonging(), {}).code == "company_unknown"


@pytest.mark.parametrize("value", ["THREE", " three "])
def test_an_expression_names_the_company(value):
    assert belonging(company="gp365_company").company_of({"gp365_company": value}, COMPANIES) == "THREE"


def test_an_expression_that_names_none_is_refused_also_where_there_is_one_company_only():
    error = refusal(belonging(company="gp365_company"), {"gp365_company": None}, ("TWO",))
    assert error.code == "company_unknown"
    assert error.message == "The companies here are TWO: nothing says to which of them it belongs."


def test_an_expression_that_names_a_strange_company_is_refused_with_its_name():
    error = refusal(belonging(company="gp365_company"), {"gp365_company": "FOUR"})
    assert error.code == "company_unknown"
    assert "it belongs to FOUR, which is none of them" in error.message


def test_an_expression_that_names_two_companies_is_refused():
    both = belonging(company="['TWO', gp365_company]")
    error = refusal(both, {"gp365_company": "THREE"})
    assert (error.code, error.message) == ("company_ambiguous", "It belongs to several companies: TWO, THREE.")
    assert both.company_of({"gp365_company": "two"}, COMPANIES) == "TWO"
    assert both.companies_of({"gp365_company": "THREE"}, COMPANIES) == ["TWO", "THREE"]


def test_an_expression_that_fails_is_refused():
    assert refusal(belonging(company="$number(name)"), {"name": "x"}).code == "value_invalid"


def test_the_key_names_the_company_before_any_expression():
    told = belonging(company="gp365_company")
    assert told.company_of({"gp365_key": "THREE-AARONFIT0001", "gp365_company": "TWO"}, COMPANIES) == "THREE"
    assert told.company_of({"gp365_key": "two-A_2DB"}, COMPANIES) == "TWO"


@pytest.mark.parametrize("key", ["FOUR-A", "TWO", "TW-OA", "-"])
def test_a_key_of_no_company_here_is_refused_whatever_the_expression_says(key):
    error = refusal(belonging(company="gp365_company"), {"gp365_key": key, "gp365_company": "TWO"})
    assert error.code == "company_unknown"
    assert key in error.message


def test_what_must_be_read_is_the_key_and_what_both_expressions_name():
    told = belonging(scope="statecode = 0 and customertypecode = 3", company="name & customertypecode")
    assert told.attributes == ("gp365_key", "statecode", "customertypecode", "name")


@pytest.mark.parametrize(
    ("value", "may_be"),
    [("TWO", True), ("two", True), ("THREE", False), ("ELSEWHERE", False), (None, True), (7, False)],
)
def test_only_what_is_said_to_be_another_companys_can_not_be_this_ones(value, may_be):
    assert belonging(company="gp365_company").may_be_of({"gp365_company": value}, "TWO") is may_be


def test_without_an_expression_and_with_one_that_fails_a_record_may_be_any_companys():
    assert belonging().may_be_of({}, "TWO")
    assert belonging(company="$number(gp365_company)").may_be_of({"gp365_company": "x"}, "TWO")
