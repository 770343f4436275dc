"""What was merged into rows is asked in one request, by comparisons."""

from dataclasses import replace
from urllib.parse import unquote

from sync.mapping import Mapping
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
