"""A record as people write it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected
from sync.mapping import Mapping, load_mapping
from sync.operations.show import parse_record

ADDRESS = Path(__file__).parents[1] / "systems" / "gp" / "mappings" / "address.yaml"


@pytest.fixture
def runtime(mapping: Mapping) -> Any:
    mappings = {"customer": mapping, "address": load_mapping(ADDRESS)}
    return SimpleNamespace(mappings=mappings, settings=SimpleNamespace(companies=("TWO",)))


def test_a_key_of_two_columns_is_written_with_both_in_any_case(runtime: Any) -> None:
    assert parse_record(runtime, "address/two/aaronfit0001 ~a^~b") == ("address", "TWO", "AARONFIT0001~A^~B")
    assert parse_record(runtime, "two/aaron~fit") == ("customer", "TWO", "AARON~FIT")


def test_a_part_of_a_key_names_no_record(runtime: Any) -> None:
    with pytest.raises(Rejected, match="write CUSTNMBR~ADRSCODE"):
        parse_record(runtime, "address/two/aaronfit0001")
