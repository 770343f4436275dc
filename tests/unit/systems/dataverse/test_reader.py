"""What was merged into rows, or belongs to them, is asked in one request, by comparisons."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from sync.mapping import Mapping, load_all
from sync.systems.dataverse.reader import DataverseReader
from tests.unit.systems.dataverse.scripted import FarEnd, answered

ROWS = [{"accountid": "B", "_masterid_value": "A"}, {"accountid": "C", "_masterid_value": "A"}]


async def test_what_was_merged_into_many_rows_is_one_request(mapping: Mapping) -> None:
    far = FarEnd([[answered(200, {"value": ROWS}), answered(200, {"value": []})]])
    reader = DataverseReader(far.client(), ["TWO"])
    keys = ["a", *(f"x{number}" for number in range(100))]
    assert await reader.merged_into("TWO", mapping, keys) == {"a": ["b", "c"]}
    [parts] = far.parts
    assert len(parts) == 2
    assert "$select=accountid,_masterid_value&$filter=_masterid_value eq a or _masterid_value eq x0 or" in unquote(
        parts[0]
    )


async def test_a_table_whose_rows_are_never_merged_is_not_asked(mapping: Mapping) -> None:
    side = mapping.rules.dataverse.model_copy(update={"entity": "product"})
    products = replace(mapping, rules=mapping.rules.model_copy(update={"dataverse": side}))
    far = FarEnd()
    assert await DataverseReader(far.client(), ["TWO"]).merged_into("TWO", products, ["a"]) == {}
    assert far.parts == []


@pytest.fixture(scope="module")
def address() -> Mapping:
    return load_all(Path("sync/mappings"))["address"]


def row(id_: str, **values: Any) -> dict[str, Any]:
    blank = {"gp365_key": None, "addressnumber": 3, "_parentid_value": "ACC"}
    return {"customeraddressid": id_, **blank, **values}


async def test_what_belongs_to_records_and_is_new_is_asked_in_one_request(address: Mapping) -> None:
    rows = [row("A"), row("B", addressnumber=2), row("C", gp365_key="TWO-A1_7EDEPOT"), row("D", addressnumber="?")]
    far = FarEnd([[answered(200, {"value": rows})]])
    assert await DataverseReader(far.client(), ["TWO"]).children(address, ["acc", "other"]) == ["a", "d"]
    [[part]] = far.parts
    asked = "$select=customeraddressid,gp365_key,addressnumber,_parentid_value&$filter=_parentid_value eq acc or "
    assert asked in unquote(part)


async def test_a_record_names_the_one_that_it_belongs_to(address: Mapping) -> None:
    whole = dict.fromkeys(address.dataverse.values) | {"@odata.etag": "1", "_parentid_value": "ACC"}
    far = FarEnd([[answered(200, {"value": [whole | row("A")]})]])
    [record] = (await DataverseReader(far.client(), ["TWO"]).read("TWO", address, ["a"])).values()
    assert (record.key, record.values["parentid"]) == ("a", "acc")
    [[part]] = far.parts
    assert ",_parentid_value," in unquote(part)
    assert ",parentid," not in unquote(part)


@pytest.mark.parametrize("company", ["TWO", "THREE"])
async def test_a_page_holds_new_rows_for_each_company_since_only_the_crosswalk_knows_whose_they_are(
    address: Mapping, company: str
) -> None:
    rows = [row("A"), row("B", addressnumber=1), row("C", gp365_key=f"{company}-A1_7EDEPOT")]
    far = FarEnd(others={"customeraddresses": httpx.Response(200, json={"value": rows})})
    page = await DataverseReader(far.client(), ["TWO", "THREE"]).keys(company, address, "", 10)
    assert page.keys == ["a", "c"]
