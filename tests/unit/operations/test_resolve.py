"""A person decides about a parked record."""

from types import SimpleNamespace

from sync.mapping import Mapping
from sync.operations.resolve import resolve
from tests.fakes import customer_flows
from tests.unit.both import ACCOUNT, build


async def test_an_account_without_a_customer_is_approved_or_discarded_and_the_refusal_says_so(two_way: Mapping) -> None:
    both = build(two_way)
    both.accounts.type(ACCOUNT, two_way, name="Ann")
    await both.back()
    waiting = await both.parked()
    runtime = SimpleNamespace(
        flows=customer_flows(), mappings={"customer": two_way}, crosswalk=both.crosswalk, lanes=both.lanes
    )
    decided, [refused] = await resolve(runtime, waiting, "gp")  # type: ignore[arg-type]
    assert (decided, refused.code) == ([], "approval_needed")
    assert "approve it (--take d365) or discard it" in refused.message
    decided, _ = await resolve(runtime, waiting, "d365")  # type: ignore[arg-type]
    assert decided == waiting
    await both.rest()
    assert (await both.parked(), both.account(ACCOUNT)["name"]) == ([], "Ann")
    assert [record.values["CUSTNAME"] for record in both.gp.records.values()] == ["Ann"]
