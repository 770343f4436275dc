"""The twins of addresses, whatever is written on either side."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.dataverse.addresses import SHARED, TWINS
from sandbox.dataverse.derived import composite
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.store import Store
from sandbox.dataverse.writer import Writer
from sandbox.door import Counts, Gaps

COLUMNS = ("line1", "city", "postalcode", "telephone1")
writes = st.tuples(
    st.sampled_from(["owner", "twin"]),
    st.integers(1, 3),
    st.dictionaries(st.sampled_from(COLUMNS), st.none() | st.text("abc ", max_size=5), min_size=1),
)


@settings(max_examples=40)
@given(st.sampled_from(["account", "contact"]), st.booleans(), st.lists(writes, max_size=8))
def test_both_sides_hold_the_same_after_any_writes(owner, touched, steps):
    store = Store()
    env = Environment(store, Gaps(), Counts())
    env.switch({"addresses_touch_parents": touched})
    writer, table, addresses = Writer(env, env.system), env.table(owner), env.table("customeraddress")
    row_id = writer.create(table, {"address1_city": "x"})
    for side, number, values in steps:
        row = store.get(table, row_id)
        at = min(number, TWINS[owner])
        if side == "owner":
            writer.update(table, row, {f"address{at}_{name}": value for name, value in values.items()})
        else:
            writer.update(addresses, store.get(addresses, row[f"address{at}_addressid"]), dict(values))
    row = store.get(table, row_id)
    for number in range(1, TWINS[owner] + 1):
        twin = store.get(addresses, row[f"address{number}_addressid"])
        assert twin["composite"] == composite(row, f"address{number}_")
        assert {name: twin[name] for name in SHARED} == {name: row[f"address{number}_{name}"] for name in SHARED}
    store.close()
