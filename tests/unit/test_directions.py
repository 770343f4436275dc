"""What no flow could keep is told at start."""

from dataclasses import replace
from pathlib import Path

import pytest

from sync.directions import check_directions
from sync.errors import BadSettings
from sync.flow import Flow
from sync.mapping import Mapping, load_mapping
from sync.runtime import MAPPINGS

TO_DATAVERSE = Flow("customer", "gp", "dataverse", "customer_gp_to_dataverse")
TO_GP = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
TWO_WAY = load_mapping(MAPPINGS / "customer.yaml", Path(__file__).parent / "two_way" / "customer.yaml")


def refusal(flows: list[Flow], mapping: Mapping) -> str:
    with pytest.raises(BadSettings) as caught:
        check_directions(flows, {"customer": mapping})
    assert caught.value.code == "mapping_invalid"
    return caught.value.message


def test_a_flow_without_a_mapping_is_told(mapping: Mapping) -> None:
    assert "names pair vendor, which has no mapping" in refusal([replace(TO_GP, pair="vendor")], mapping)


def test_a_field_that_would_go_both_ways_needs_both_flows() -> None:
    told = refusal([TO_DATAVERSE], TWO_WAY)
    assert told.startswith("customer.yaml: no flow starts at d365, as name, telephone1, ")
    assert "accountnumber" not in told
    assert "no flow starts at gp, as accountnumber, name, " in refusal([TO_GP], TWO_WAY)
    check_directions([TO_DATAVERSE, TO_GP], {"customer": TWO_WAY})


def test_edits_that_are_requests_need_a_flow_that_sees_them(mapping: Mapping) -> None:
    limit = mapping.field("creditlimit")
    asked = replace(limit, rule=limit.rule.model_copy(update={"edits": "request"}))
    fields = tuple(asked if field is limit else field for field in mapping.fields)
    assert "as creditlimit would need" in refusal([TO_DATAVERSE], replace(mapping, fields=fields))


def test_an_account_of_several_companies_is_refused_as_long_as_no_flow_can_keep_it(mapping: Mapping) -> None:
    rules = mapping.rules.model_copy(update={"cardinality": "shared_account"})
    assert "shared_account is not built yet" in refusal([TO_DATAVERSE], replace(mapping, rules=rules))


def test_the_mapping_we_ship_is_content(mapping: Mapping) -> None:
    check_directions([TO_DATAVERSE], {"customer": mapping})
