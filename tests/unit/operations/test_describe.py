"""What a person reads of a flow is what its mapping says."""

from pathlib import Path

import pytest

from sync.flow import Flow
from sync.mapping import Mapping, load_mapping
from sync.operations.describe import describe
from sync.runtime import MAPPINGS

TO_DATAVERSE = Flow("customer", "gp", "dataverse", "customer_gp_to_dataverse")
TO_GP = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
TWO_WAY = Path(__file__).parents[1] / "two_way" / "customer.yaml"


@pytest.fixture(scope="module")
def two_way() -> Mapping:
    return load_mapping(MAPPINGS / "customer.yaml", TWO_WAY)


def test_a_flow_to_gp_tells_which_records_take_part_whose_they_are_and_what_waits_for_a_person(
    two_way: Mapping,
) -> None:
    page = describe(TO_GP, two_way)
    assert "- Which records: `customertypecode = 3`; one that is coupled goes on taking part" in page
    assert "- Their company: by `gp365_key`, else the only one" in page
    assert "- A person's yes: before GP gets a new record" in page
    assert "- Ids of new records: 8 letters of `name` and a counter of 4 digits" in page
    assert "RM00102" not in page


def test_each_direction_tells_its_own_policy_of_deletes(two_way: Mapping) -> None:
    rules = two_way.rules.model_copy(
        update={"on_delete": two_way.rules.on_delete.model_copy(update={"d365": "ignore"})}
    )
    mapping = Mapping(rules, two_way.fields)
    assert "- A record deleted in the source: park" in describe(TO_DATAVERSE, mapping)
    assert "- A record deleted in the source: ignore" in describe(TO_GP, mapping)


def test_each_field_tells_its_direction_and_what_becomes_of_edits_elsewhere(two_way: Mapping) -> None:
    page = describe(TO_GP, two_way)
    assert "| `name` | CUSTNAME | as it is | required; both ways, owner gp |" in page
    assert "from GP only, edits elsewhere are requests |" in page
    assert "| `accountnumber` | CUSTNMBR | as it is | required; from GP only, edits elsewhere are put right |" in page
