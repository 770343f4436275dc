"""What no flow could keep is told at start."""

from dataclasses import replace
from pathlib import Path

import pytest

from sync.directions import check_directions, in_use
from sync.errors import BadSettings
from sync.flow import Flow, find_flows
from sync.mapping import Mapping, load_all, load_mapping
from sync.runtime import MAPPINGS
from tests.fakes import customer_flows

TO_DATAVERSE = Flow("customer", "gp", "dataverse", "customer_gp_to_dataverse")
TO_GP = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
TWO_WAY = load_mapping(MAPPINGS / "customer.yaml")


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
    rules = mapping.rules.model_copy(update={"one_way": None})
    assert "creditlimit, creditonhold" in refusal([TO_DATAVERSE], replace(mapping, rules=rules))


def test_an_account_of_several_companies_is_refused_as_long_as_no_flow_can_keep_it(mapping: Mapping) -> None:
    rules = mapping.rules.model_copy(update={"cardinality": "shared_account"})
    assert "shared_account is not built yet" in refusal([TO_DATAVERSE], replace(mapping, rules=rules))


def test_a_pair_that_goes_one_way_has_no_flow_back_and_asks_nobody(mapping: Mapping) -> None:
    used = in_use(customer_flows(), {"customer": mapping})
    assert [(flow.name, flow.two_way) for flow in used.values()] == [(TO_DATAVERSE.name, False)]
    check_directions(used.values(), {"customer": mapping})


def test_the_pairs_we_ship_go_both_ways() -> None:
    mappings = load_all(MAPPINGS)
    used = in_use(find_flows(), mappings)
    assert all(flow.two_way for flow in used.values())
    check_directions(used.values(), mappings)


def test_a_key_of_several_columns_needs_a_parent_that_has_all_but_one(mapping: Mapping) -> None:
    gp = mapping.rules.gp.model_copy(update={"key": ("CUSTNMBR", "ADRSCODE")})
    rules = mapping.rules.model_copy(update={"gp": gp})
    told = refusal([TO_DATAVERSE, TO_GP], replace(mapping, rules=rules))
    assert "its key has CUSTNMBR and ADRSCODE, so it is only read: write `one_way: gp` at the pair" in told
    check_directions([TO_DATAVERSE], {"customer": replace(mapping, rules=rules)})


def test_a_scope_in_gp_is_kept_by_flows_from_gp_only_but_of_what_has_a_parent(mapping: Mapping) -> None:
    rules = mapping.rules.model_copy(update={"gp": mapping.rules.gp.model_copy(update={"scope": "CITY = 'Oslo'"})})
    assert "gp: scope is kept by a flow from GP only" in refusal([TO_DATAVERSE, TO_GP], replace(mapping, rules=rules))


def addresses(tmp_path: Path, over: str = "") -> dict[str, Mapping]:
    """Both pairs as shipped, addresses switched on."""
    (tmp_path / "address.yaml").write_text(f"enabled: true\n{over}", "utf-8")
    return load_all(MAPPINGS, tmp_path)


def test_a_record_with_a_parent_goes_both_ways_by_its_key_and_scope(tmp_path: Path) -> None:
    mappings = addresses(tmp_path)
    check_directions(in_use(find_flows(), mappings).values(), mappings)


def test_what_has_a_parent_is_written_without_the_rows_beside_it(tmp_path: Path) -> None:
    joins = (
        "gp: {joins: {net: {table: SY01200, on: {Master_ID: CUSTNMBR, ADRSCODE: ADRSCODE}, where: {Master_Type: CUS}}}}"
    )
    mappings = addresses(tmp_path, f"{joins}\nfields: [{{gp: net.INET8, dataverse: county, too_long: refuse}}]")
    with pytest.raises(BadSettings, match=r"net\.INET8 is not of RM00102"):
        check_directions(in_use(find_flows(), mappings).values(), mappings)


def test_a_parent_that_no_flow_couples_is_told(tmp_path: Path) -> None:
    mappings = addresses(tmp_path)
    flow = find_flows()["address_dataverse_to_gp"]
    with pytest.raises(BadSettings, match="no flow couples customer"):
        check_directions([flow], mappings)
