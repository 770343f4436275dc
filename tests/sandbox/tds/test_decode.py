import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.tds.bits import Bits, NotImitated, ProtocolError
from sandbox.tds.contract import SqlType
from sandbox.tds.decode import read_type
from sandbox.tds.encode import type_info

TYPES = [
    *map(SqlType, ("tinyint", "bigint", "bit", "real", "float", "money", "smallmoney", "datetime", "smalldatetime")),
    *map(SqlType, ("date", "uniqueidentifier", "xml", "sql_variant", "text", "ntext", "image")),
    *(SqlType(name, None, 0, 7) for name in ("time", "datetime2", "datetimeoffset")),
    *(SqlType(name, length) for name in ("varchar", "nvarchar", "varbinary") for length in (10, None)),
    SqlType("numeric", None, 19, 5),
]


@settings(max_examples=500)
@given(st.sampled_from(TYPES), st.binary(max_size=60))
def test_broken_values_are_refused_never_a_crash(kind, data):
    incoming = read_type(Bits(type_info(kind)), in_row=True)
    with contextlib.suppress(ProtocolError, NotImitated):
        incoming.read(Bits(data))


@given(st.binary(max_size=12))
def test_broken_descriptions_are_refused_never_a_crash(data):
    with contextlib.suppress(ProtocolError, NotImitated):
        read_type(Bits(data))


@pytest.mark.parametrize(
    ("info", "value", "name", "read"),
    [
        ("30", "ff", "tinyint", 255),
        ("32", "01", "bit", True),
        ("34", "ffff", "smallint", -1),
        ("38", "05000000", "int", 5),
        ("7f", "ffffffffffffffff", "bigint", -1),
        ("3e", "000000000000f83f", "float", 1.5),
    ],
)
def test_fixed_types_have_no_length(info, value, name, read):
    bits = Bits(bytes.fromhex(info + value))
    incoming = read_type(bits)
    assert (incoming.type.name, incoming.read(bits), bits.left) == (name, read, 0)


@pytest.mark.parametrize("code", [0xF3, 0xF0, 0x27, 0x1F])
def test_types_that_are_not_served_are_named(code):
    with pytest.raises(NotImitated) as caught:
        read_type(Bits(bytes([code]) + bytes(20)))
    assert (caught.value.kind, caught.value.what) == ("wire type", f"0x{code:02X}")


def test_a_max_value_may_come_in_chunks_of_unknown_total():
    bits = Bits(
        bytes.fromhex("a7ffff0904d00034" + "feffffffffffffff" + "02000000" + "6162" + "01000000" + "63" + "00000000")
    )
    assert read_type(bits).read(bits) == "abc"
