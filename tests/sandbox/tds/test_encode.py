# ruff: noqa: DTZ001 - the server's datetime has no zone
import datetime
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.tds.bits import Bits, from_code_page, to_code_page
from sandbox.tds.contract import SqlError, SqlType
from sandbox.tds.decode import read_type
from sandbox.tds.encode import encoder, type_info


def there_and_back(kind: SqlType, value: object) -> object:
    bits = Bits(type_info(kind) + encoder(kind)(value))
    result = read_type(bits, in_row=True).read(bits)
    assert bits.left == 0
    return result


@pytest.mark.parametrize(
    ("kind", "info", "null"),
    [
        (SqlType("tinyint"), "2601", "00"),
        (SqlType("bigint"), "2608", "00"),
        (SqlType("bit"), "6801", "00"),
        (SqlType("float"), "6d08", "00"),
        (SqlType("numeric", None, 9, 2), "6c050902", "00"),
        (SqlType("numeric", None, 19, 5), "6c091305", "00"),
        (SqlType("decimal", None, 28, 0), "6c0d1c00", "00"),
        (SqlType("numeric", None, 38, 5), "6c112605", "00"),
        (SqlType("money"), "6e08", "00"),
        (SqlType("datetime"), "6f08", "00"),
        (SqlType("datetime2", None, 0, 3), "2a03", "00"),
        (SqlType("date"), "28", "00"),
        (SqlType("uniqueidentifier"), "2410", "00"),
        (SqlType("char", 15), "af0f000904d00034", "ffff"),
        (SqlType("varchar", 255), "a7ff000904d00034", "ffff"),
        (SqlType("nvarchar", 10), "e714000904d00034", "ffff"),
        (SqlType("varchar"), "a7ffff0904d00034", "ff" * 8),
        (SqlType("varbinary", 16), "a51000", "ffff"),
    ],
)
def test_types_are_described_as_sql_server_does(kind, info, null):
    assert type_info(kind).hex() == info
    assert encoder(kind)(None).hex() == null


@pytest.mark.parametrize(
    ("kind", "value", "wire"),
    [
        (SqlType("numeric", None, 19, 5), Decimal("-1.5"), "0900f049020000000000"),
        (SqlType("money"), Decimal("-0.0001"), "08ffffffffffffffff"),
        (SqlType("datetime"), datetime.datetime(1900, 1, 2, 0, 0, 1), "08010000002c010000"),
        (SqlType("datetime2", None, 0, 0), datetime.datetime(1, 1, 1, 0, 0, 1), "06010000000000"),
        (SqlType("char", 5), "ab", "05006162202020"),
        (SqlType("nvarchar"), "", "0000000000000000" + "00000000"),
        (SqlType("nvarchar"), "a", "0200000000000000" + "02000000" + "6100" + "00000000"),
        (
            SqlType("uniqueidentifier"),
            uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
            "1033221100554477668899aabbccddeeff",
        ),
    ],
)
def test_values_have_the_bytes_of_the_protocol(kind, value, wire):
    assert encoder(kind)(value).hex() == wire


@pytest.mark.parametrize(
    ("given_ms", "kept_us"), [(0, 0), (1, 0), (2, 3000), (4, 3000), (5, 7000), (8, 7000), (9, 10000), (995, 997000)]
)
def test_datetime_rounds_to_three_hundredths(given_ms, kept_us):
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, given_ms * 1000)
    assert there_and_back(SqlType("datetime"), moment).microsecond == kept_us


def test_datetime_rolls_over_at_midnight():
    kept = there_and_back(SqlType("datetime"), datetime.datetime(2024, 1, 1, 23, 59, 59, 999000))
    assert kept == datetime.datetime(2024, 1, 2)


def test_text_outside_the_code_page_becomes_question_marks():
    assert there_and_back(SqlType("varchar", 20), "Łódź €ü😀") == "?ód? €ü??"


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (SqlType("tinyint"), 256, 8115),
        (SqlType("int"), 2**31, 8115),
        (SqlType("numeric", None, 5, 2), Decimal("1000"), 8115),
        (SqlType("money"), Decimal(10) ** 15, 8115),
        (SqlType("smallmoney"), 300_000, 8115),
        (SqlType("datetime"), datetime.datetime(1752, 12, 31), 242),
        (SqlType("datetime"), datetime.datetime(9999, 12, 31, 23, 59, 59, 999000), 242),
        (SqlType("datetime2", None, 0, 0), datetime.datetime(9999, 12, 31, 23, 59, 59, 999000), 242),
        (SqlType("smalldatetime"), datetime.datetime(1899, 12, 31), 242),
        (SqlType("varchar", 3), "abcd", 8152),
        (SqlType("char", 3), "abcd", 8152),
        (SqlType("geography"), b"", 2715),
    ],
)
def test_what_a_type_cannot_hold_is_an_error(kind, value, number):
    with pytest.raises(SqlError) as caught:
        encoder(kind)(value)
    assert caught.value.number == number


@given(st.decimals(min_value=-(10**14) + 1, max_value=10**14 - 1, places=5))
def test_numeric_is_exact(value):
    assert there_and_back(SqlType("numeric", None, 19, 5), value) == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_money_is_exact(units):
    value = Decimal(units).scaleb(-4)
    assert there_and_back(SqlType("money"), value) == value


@given(st.datetimes(datetime.datetime(1753, 1, 1), datetime.datetime(9999, 12, 31)))
def test_datetime_keeps_a_value_it_once_kept(moment):
    kept = there_and_back(SqlType("datetime"), moment)
    assert abs(kept - moment) <= datetime.timedelta(microseconds=2001)
    assert there_and_back(SqlType("datetime"), kept) == kept


@given(st.datetimes(), st.sampled_from(["datetime2", "datetimeoffset"]))
def test_finer_datetimes_are_exact(moment, name):
    value = moment.replace(tzinfo=datetime.UTC) if name == "datetimeoffset" else moment
    assert there_and_back(SqlType(name, None, 0, 7), value) == value


@given(st.times(), st.dates())
def test_time_and_date_are_exact(time, date):
    assert there_and_back(SqlType("time", None, 0, 7), time) == time
    assert there_and_back(SqlType("date"), date) == date


@given(
    st.text(max_size=200),
    st.sampled_from([SqlType("nvarchar", 4000), SqlType("nvarchar"), SqlType("ntext"), SqlType("xml")]),
)
def test_wide_text_is_exact(text, kind):
    assert there_and_back(kind, text) == text


@given(st.binary(max_size=200), st.sampled_from([SqlType("varbinary", 200), SqlType("varbinary"), SqlType("image")]))
def test_binary_is_exact(data, kind):
    assert there_and_back(kind, data) == data


@given(st.binary(max_size=256))
def test_every_byte_of_the_code_page_survives(data):
    assert to_code_page(from_code_page(data)) == data


@given(
    st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.booleans(),
        st.floats(allow_nan=False),
        st.text(max_size=50),
        st.binary(max_size=50),
        st.decimals(min_value=-(10**9), max_value=10**9, places=3),
        st.none(),
    )
)
def test_a_variant_carries_its_own_type(value):
    kept = there_and_back(SqlType("sql_variant"), value)
    assert kept == value
    assert type(kept) is type(value)
