import pytest

from bench.suite import Measure


@pytest.mark.parametrize(
    ("op", "value", "holds"), [("<=", 3, True), ("<=", 4, False), (">=", 3, True), (">", 3, False), ("<", 2, True)]
)
def test_a_measure_holds_when_it_keeps_its_bar(op, value, holds):
    assert Measure("m", value, "ms", bar=3, op=op).holds is holds


def test_a_measure_without_a_bar_is_only_told():
    line = Measure("m", 9, "ms").line("s")
    assert line == {
        "suite": "s",
        "measure": "m",
        "value": 9,
        "unit": "ms",
        "bar": None,
        "op": "<=",
        "note": "",
        "holds": True,
    }
