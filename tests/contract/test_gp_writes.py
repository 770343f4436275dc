"""What the mapping knows of GP's procedures against the stand-in's list of their parameters, which is the reference's."""

import json
from pathlib import Path

import pytest

from sync import schema

ROOT = Path(__file__).parents[2]
PROCEDURES = json.loads((ROOT / "sandbox" / "gp" / "data" / "gp-econnect.json").read_text("utf-8"))
WRITES = json.loads((ROOT / "sync" / "data" / "gp-writes.json").read_text("utf-8"))


@pytest.mark.parametrize("table", WRITES)
def test_every_parameter_is_the_procedures_own(table):
    known = PROCEDURES[WRITES[table]["procedure"]]
    for column, (name, sql_type) in WRITES[table]["columns"].items():
        assert known[name][0] == sql_type, column


@pytest.mark.parametrize("table", WRITES)
def test_every_column_is_one_of_the_table_and_no_key_and_its_parameter_is_of_the_same_kind(table):
    for column in WRITES[table]["columns"]:
        assert not schema.gp_column(table, column).key
        parameter = schema.gp_parameter(table, column)
        assert parameter.kind != "number" or parameter.low < parameter.high
        assert parameter.kind != "amount" or (parameter.digits, parameter.decimals) == (14, 5)
