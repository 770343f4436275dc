"""A person gives a parked record a value of its own, which both sides then hold."""

from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.operations.given import give
from sync.stores.ledger import Ledger
from sync.stores.parked import Parked
from tests.fakes import FakeTable, customer_flows
from tests.unit.both import AsSource, Both, build, ruled


@pytest.fixture
def both(two_way: Mapping) -> Both:
    return build(ruled(two_way, "name", owner="review"))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(FakeTable())


@pytest.fixture
def runtime(both: Both, ledger: Ledger) -> Any:
    return SimpleNamespace(
        flows=customer_flows(),
        mappings={"customer": both.mapping},
        crosswalk=both.crosswalk,
        reader=AsSource(both.accounts),
        records=both.accounts,
        ledger=ledger,
        lanes=both.lanes,
    )


async def differing(both: Both) -> tuple[str, Parked]:
    """A couple whose name was changed on both sides: its account's id, and what is parked."""
    id_ = await both.coupled()
    both.gp.type_customer("TWO", "A1", CUSTNAME="Clerk")
    both.accounts.edit(id_, name="Rep")
    await both.there("A1")
    await both.rest()
    [entry] = await both.parked()
    return id_, entry


async def test_a_value_of_its_own_ends_on_both_sides(both: Both, runtime: Any) -> None:
    id_, entry = await differing(both)
    await give(runtime, entry, {"name": "Both agreed"})
    await both.rest()
    assert (both.account(id_)["name"], both.customer()["CUSTNAME"]) == ("Both agreed", "Both agreed")
    assert await both.parked() == []


async def test_the_ledger_tells_that_a_person_gave_it(both: Both, runtime: Any, ledger: Ledger) -> None:
    _, entry = await differing(both)
    await give(runtime, entry, {"name": "Both agreed"})
    [line] = await ledger.history("TWO", "customer", entry.key)
    assert [(change.field, change.old, change.new, change.rule) for change in line.changes] == [
        ("name", "Rep", "Both agreed", "given by a person")
    ]


async def test_given_twice_it_is_written_once(both: Both, runtime: Any) -> None:
    id_, entry = await differing(both)
    await give(runtime, entry, {"name": "Both agreed"})
    await give(runtime, entry, {"name": "Both agreed"})
    assert [write.id for write in both.accounts.writes] == [id_]


@pytest.mark.parametrize(
    ("given", "said"),
    [({"nome": "x"}, "no field that goes both ways"), ({"creditlimit": "1"}, "no field that goes both ways")],
)
async def test_what_is_no_field_of_both_is_refused_in_words(
    both: Both, runtime: Any, given: dict[str, str], said: str
) -> None:
    _, entry = await differing(both)
    with pytest.raises(Rejected, match=said):
        await give(runtime, entry, given)
    assert both.accounts.writes == []


async def test_an_account_that_waits_for_approval_has_no_counterpart_to_agree_with(both: Both, runtime: Any) -> None:
    both.accounts.type("0a000000-0000-4000-8000-000000000001", both.mapping, name="New", accountcategorycode=1)
    await both.back()
    [entry] = await both.parked()
    with pytest.raises(Rejected, match="no counterpart yet"):
        await give(runtime, entry, {"name": "Newer"})
