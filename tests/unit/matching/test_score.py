"""What makes two records surely the same, and what never does."""

from typing import Any

import pytest

from sync.mapping import load_mapping
from sync.matching.score import Comparison, compare
from sync.matching.traits import Traits, traits_of
from sync.runtime import MAPPINGS

EVIDENCE = load_mapping(MAPPINGS / "customer.yaml").rules.evidence.model_copy(update={"tax_id": "gp365_tax"})
FULL = {
    "name": "Alpine Ski House Inc.",
    "telephone1": "(414) 555-0145",
    "emailaddress1": "office@alpine.example",
    "address1_postalcode": "53202",
    "address1_city": "Milwaukee",
    "address1_line1": "12 Oak Street",
}


class Crowd:
    """All signs are of one record alone, but those named."""

    def __init__(self, *shared: str, customers: tuple[str, ...] = ()) -> None:
        self.shared = shared
        self.customers = customers

    def is_shared(self, kind: str, value: str) -> bool:
        return kind in self.shared

    def is_customer(self, number: str) -> bool:
        return number in self.customers


def traits(**values: Any) -> Traits:
    return traits_of(EVIDENCE, values, "US")


def seen(gp: dict[str, Any], dataverse: dict[str, Any], crowd: Crowd | None = None) -> Comparison:
    return compare(traits(**gp), traits(**dataverse), crowd or Crowd())


@pytest.mark.parametrize(
    ("gp", "dataverse", "rule"),
    [
        (FULL, FULL, "name, place and domain and e-mail and phone"),
        (FULL, FULL | {"emailaddress1": None, "telephone1": "414-555-0145 ext. 7"}, "name, place and phone"),
        ({"name": "Alpine", "accountnumber": "A-1"}, {"name": "ALPINE, Inc", "accountnumber": "a1"}, "number and name"),
        (FULL | {"gp365_tax": "12-3"}, {"name": "Alpine Ski House", "gp365_tax": "123", "telephone1": "4145550145"},
         "tax id, name and phone or e-mail"),
    ],
)  # fmt: skip
def test_several_independent_signs_with_nothing_against_them_are_sure(
    gp: dict[str, Any], dataverse: dict[str, Any], rule: str
) -> None:
    found = seen(gp, dataverse)
    assert found.rule.split(" and ")[0] == rule.split(" and ", maxsplit=1)[0]
    assert found.against == ()


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("a branch: the same name, phone and mail elsewhere", {"address1_postalcode": "60601", "address1_city": "Chicago"}),
        ("across the street", {"address1_line1": "90 Elm Avenue"}),
        ("the parent under the same roof", {"name": "Alpine Ski House Holding"}),
        ("the neighbour with the same switchboard", {"name": "Litware Printing"}),
        ("another legal person of that name", {"name": "Alpine Ski House LLC"}),
        ("only a phone beside a slip of the name", {"name": "Alpine Sky House", "emailaddress1": None}),
        ("nothing but the name", dict.fromkeys(FULL, None) | {"name": FULL["name"]}),
        ("a name and a phone, the place unknown", {"address1_postalcode": None, "address1_city": None,
                                                   "address1_line1": None}),
    ],
)  # fmt: skip
def test_a_trap_is_shown_to_a_person_and_never_coupled(why: str, change: dict[str, Any]) -> None:
    found = seen(FULL, FULL | change)
    assert found.rule == "", why


def test_a_sign_that_others_have_too_makes_nothing_sure() -> None:
    crowd = Crowd("phone", "e-mail", "domain")
    found = seen(FULL, FULL, crowd)
    assert found.rule == ""
    assert "the same phone (others have it too)" in found.words
    assert found.score > 35


def test_the_number_of_another_customer_and_another_tax_id_speak_against_it() -> None:
    crowd = Crowd(customers=("b2",))
    numbered = seen(FULL | {"accountnumber": "A1"}, FULL | {"accountnumber": "B2"}, crowd)
    taxed = seen(FULL | {"gp365_tax": "1"}, FULL | {"gp365_tax": "2"})
    assert (numbered.rule, numbered.against) == ("", ("the number of another customer",))
    assert (taxed.rule, taxed.against) == ("", ("another tax id",))


def test_the_same_number_under_another_name_is_not_sure_since_companies_number_alike() -> None:
    found = seen({"name": "Alpine", "accountnumber": "A1"}, {"name": "Litware", "accountnumber": "A1"})
    assert (found.rule, found.reasons) == ("", ("the same number",))


def test_a_free_mail_provider_is_no_domain_and_a_blank_is_like_no_other() -> None:
    free = {"name": "Alpine", "emailaddress1": "one@gmail.com"}
    assert traits(**free).domains == frozenset()
    assert seen({}, {}).points == 0
