"""What can't work is told at start."""

from dataclasses import replace

import pytest

from sync.errors import BadSettings
from sync.flow import Flow
from sync.mapping import Mapping
from sync.runtime import check_direction

FLOW = Flow("customer", "gp", "dataverse", "customer_gp_to_dataverse")


def test_a_flow_without_a_mapping_is_told(mapping: Mapping) -> None:
    with pytest.raises(BadSettings, match="no mapping"):
        check_direction(replace(FLOW, pair="vendor"), {"customer": mapping})


def test_a_field_that_would_go_both_ways_is_told(mapping: Mapping) -> None:
    fields = [replace(field, side=None) if field.name == "telephone2" else field for field in mapping.fields]
    with pytest.raises(BadSettings, match="telephone2 would go both ways"):
        check_direction(FLOW, {"customer": replace(mapping, fields=tuple(fields))})


def test_the_mapping_we_ship_is_content(mapping: Mapping) -> None:
    check_direction(FLOW, {"customer": mapping})
