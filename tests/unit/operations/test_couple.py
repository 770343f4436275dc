"""A person says of a record of Dataverse that it is none of those in GP."""

from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.operations.couple import couple
from sync.stores.couple import NONE
from tests.fakes import customer_flows
from tests.unit.both import ACCOUNT, Both, build, with_rules

RECORD = f"customer/TWO/{ACCOUNT}"
ALIKE = {"name": "Ann", "address1_postalcode": "60601"}


def runtime_of(both: Both) -> Any:
    return SimpleNamespace(
        flows=customer_flows(),
        mappings={"customer": both.mapping},
        settings=SimpleNamespace(companies=("TWO",)),
        crosswalk=both.crosswalk,
        records=both.accounts,
        lanes=both.lanes,
    )


async def doubtful(mapping: Mapping) -> Both:
    """An account like a customer that is coupled with none yet: parked until somebody says whether it is that one."""
    both = build(mapping)
    both.gp.type_customer("TWO", "A1", CUSTNAME="Ann", **{"bill_to.CUSTNMBR": "A1", "bill_to.ZIP": "60601"})
    both.accounts.type(ACCOUNT, mapping, **ALIKE)
    await both.back()
    assert [(entry.code, entry.key) for entry in await both.parked()] == [("possible_duplicate", ACCOUNT)]
    return both


async def test_an_account_that_is_none_of_gps_customers_becomes_one_of_its_own(two_way: Mapping) -> None:
    both = await doubtful(with_rules(two_way, approve="never"))
    assert await couple(runtime_of(both), RECORD, NONE) == f"{RECORD}: it will be created"
    await both.rest()
    assert sorted(record.values["CUSTNAME"] for record in both.gp.records.values()) == ["Ann", "Ann"]
    assert await both.parked() == []


async def test_such_an_account_waits_for_approval_where_that_is_asked_for(two_way: Mapping) -> None:
    both = await doubtful(two_way)
    assert await couple(runtime_of(both), RECORD, NONE) == f"{RECORD}: it is a new one, and waits for approval"
    await both.rest()
    assert [entry.code for entry in await both.parked()] == ["approval_needed"]


async def test_which_customer_an_account_is_must_be_said_of_the_customer(two_way: Mapping) -> None:
    both = await doubtful(two_way)
    with pytest.raises(Rejected, match=f"couple customer/TWO/ID --with {ACCOUNT}"):
        await couple(runtime_of(both), RECORD, ACCOUNT)
