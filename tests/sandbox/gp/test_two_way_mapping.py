"""What the mapping says that GP will hold is what GP holds after the write, for whatever Dataverse holds."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.mapping import load_mapping
from sync.system import Outcome, Record, Write
from sync.value import Value, same
from tests.sandbox.gp.records import World

ROOT = Path(__file__).parents[3]
TWO_WAY = load_mapping(ROOT / "sync/mappings/customer.yaml", ROOT / "tests/unit/two_way/customer.yaml")
WAYS = {field.name for field in TWO_WAY.fields if field.returns}
RARELY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXT = st.text(st.characters(codec="cp1252", exclude_categories=["Cc", "Zs"]), max_size=30)
ACCOUNTS = st.fixed_dictionaries(
    {"name": TEXT.filter(bool)},
    optional={
        "telephone1": st.sampled_from(["+1 414-555-0145", "(414) 555-0146", "555", None]),
        "emailaddress1": st.sampled_from(["a@x.example", "b.c@y.example", None]),
        "websiteurl": st.sampled_from(["https://x.example", None]),
        **{f"address{n}_{part}": TEXT | st.none() for n in (1, 2) for part in ("line1", "line2", "city")},
        **{f"address{n}_postalcode": st.sampled_from(["50010", "46401-0001", None]) for n in (1, 2)},
        **{f"address{n}_telephone1": st.sampled_from(["+1 414-555-0145", None]) for n in (1, 2)},
    },
)


def _account(record: Record | None, changed: dict[str, Value]) -> dict[str, Value]:
    """What Dataverse holds: what it got from GP, and what was changed there since."""
    known = dict.fromkeys(TWO_WAY.dataverse.values)
    if record:
        known |= {name: pair.target for name, pair in TWO_WAY.convert(record.values, {}).fields.items()}
    return known | changed


def _returned(record: Record | None, changed: dict[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
    """What is written, by path, and what GP will hold then, by field. Raises Rejected."""
    held = record.values if record else None
    returned = TWO_WAY.convert_back(_account(record, changed), {}, held)
    passed = {name for name in changed if name in returned.fields}
    halves = TWO_WAY.gp_halves(held) if held else {}
    names = [name for name in passed if not (held and same(returned.fields[name].target, halves[name]))]
    said = {name: returned.fields[name].target for name in names}
    return TWO_WAY.columns(names, returned, held), said


async def _kept(world: World, write: Write, said: dict[str, Value]) -> None:
    [verdict] = await world.write(write)
    if isinstance(verdict.error, Rejected):
        assert verdict.error.code == "one_in_gp", verdict.error.message
        return
    assert (verdict.outcome, verdict.error) == (Outcome.WRITTEN, None)
    kept = TWO_WAY.gp_halves(verdict.kept.values)
    assert {name: kept[name] for name in said} == said


STATES = {
    "an address for each code": "SELECT 1 AS n",
    "one address for all codes": "UPDATE RM00101 SET PRBTADCD = 'PRIMARY', PRSTADCD = 'PRIMARY' WHERE CUSTNMBR = '{key}'",
    "no bill-to, no ship-to": "UPDATE RM00101 SET PRBTADCD = '', PRSTADCD = '' WHERE CUSTNMBR = '{key}'",
    "no addresses at all": "DELETE FROM RM00102 WHERE CUSTNMBR = '{key}'; DELETE FROM SY01200 WHERE Master_ID = '{key}'",
}


@pytest.mark.parametrize("state", STATES)
@RARELY
@given(ACCOUNTS)
async def test_an_account_that_changed_is_held_as_the_mapping_says(
    world: World, state: str, changed: dict[str, Value]
) -> None:
    world.mapping, world.key = TWO_WAY, world.new_key()
    world.make()
    world.sql(STATES[state].format(key=world.key))
    record = await world.look()
    try:
        columns, said = _returned(record, changed)
    except Rejected as refused:
        assert refused.code == "one_in_gp"  # noqa: PT017
        return
    await _kept(world, await world.update(columns), said)


@RARELY
@given(ACCOUNTS)
async def test_a_new_account_is_held_as_the_mapping_says(world: World, changed: dict[str, Value]) -> None:
    world.mapping = TWO_WAY
    try:
        columns, said = _returned(None, changed)
    except Rejected as refused:
        assert refused.code == "one_in_gp"  # noqa: PT017
        return
    said = {name: value for name, value in said.items() if value}
    await _kept(world, Write(world.new_key(), columns, world.mark(), create=True), said)
