"""Which side alone holds something, of all that a customer and an account hold."""

from decimal import Decimal
from typing import Any

import pytest

from sync.blanks import only_filled
from sync.mapping import Mapping, load_mapping
from sync.mapping_model import Side
from sync.runtime import MAPPINGS
from sync.system import Record
from sync.way import FromGp, ToGp

MAPPING = load_mapping(MAPPINGS / "customer.yaml")
EMPTY: dict[str, Any] = {"CUSTNMBR": "A", "CRLMTTYP": 0, "CRLMTAMT": Decimal(0), "HOLD": 0, "INACTIVE": 0}


def sole(mapping: Mapping, name: str, gp: dict[str, Any], held: Any) -> Side | None:
    """The side that alone holds the field `name`, which both directions must say alike."""
    source = Record("A", dict.fromkeys(mapping.gp.paths) | EMPTY | gp)
    target = Record("a", dict.fromkeys(mapping.attributes) | {name: held})
    from_gp, back = FromGp(mapping, {}).filled(source, target), ToGp(mapping, {}).filled(target, source)
    assert from_gp == back == only_filled(mapping, {}, source.values, target.values)
    return from_gp.get(name)


@pytest.mark.parametrize(
    ("name", "gp", "held", "side"),
    [
        ("fax", {"FAX": ""}, "+1 414-555-0100", "d365"),
        ("fax", {"FAX": "00000000000000"}, "+1 414-555-0100", "d365"),
        ("fax", {"FAX": "41455501000000"}, None, "gp"),
        ("fax", {"FAX": "41455501000000"}, "", "gp"),
        ("fax", {"FAX": ""}, None, None),
        ("fax", {"FAX": "41455501000000"}, "+1 414-555-0199", None),
        ("name", {"CUSTNAME": ""}, "Aaron", "d365"),
        ("paymenttermscode", {"PYMTRMID": ""}, 1, "d365"),
        ("paymenttermscode", {"PYMTRMID": "no such terms"}, 1, None),
        ("emailaddress1", {"internet.INET1": None}, "a@example.com", "d365"),
        ("emailaddress1", {"internet.INET1": "no address"}, "a@example.com", None),
    ],
)
def test_empty_text_is_a_blank_whatever_it_is_turned_into(name: str, gp: dict[str, Any], held: Any, side: Any) -> None:
    assert sole(MAPPING, name, gp, held) == side


@pytest.mark.parametrize("kind", [0, 1])
def test_a_number_of_gp_is_no_blank_also_where_it_is_empty_in_dataverse(kind: int) -> None:
    assert sole(MAPPING, "creditlimit", {"CRLMTTYP": kind}, Decimal(500)) is None
    assert sole(MAPPING, "creditlimit", {"CRLMTTYP": kind}, None) == "gp"
