"""What people are taken to have given: nothing is surer than the answer they got."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.chaos import people as people_module
from tests.chaos.people import People
from tests.chaos.plan import COMPANIES, plan
from tests.chaos.truth import Truth

BOX: Any = SimpleNamespace(contract={"gp": {}, "dataverse": {}}, ready={"dataverse": {"admin": "http://127.0.0.1"}})


async def test_an_import_that_was_not_answered_may_have_given_each_of_its_customers_the_value_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    partners = [partner for partner in plan(1).partners if partner.company == COMPANIES[0]]

    async def edit(_: object, text: str, __: str) -> list[list[str]]:
        if text.startswith("SELECT"):
            return [[f"{partner.tag} v1"] for partner in partners]
        raise httpx.ReadError("the victim of a deadlock")

    monkeypatch.setattr(people_module, "edit", edit)
    people = People(BOX, truth := Truth())
    for partner in partners:
        truth.gives(partner.number, "gp", "address1_city", 1)
    await people.change_many(COMPANIES[0], partners, 22)
    assert len(partners) > 1
    assert {partner.number: truth.last(partner.number, "address1_city") for partner in partners} == {
        partner.number: {1, 22} for partner in partners
    }
