"""GP's storage habits leave no trace in values."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.systems.gp.normalise import normalise, stamp_text

_TICKS = st.integers(min_value=0, max_value=200 * 365 * 86400 * 300)


def tick(number: int) -> datetime:
    """The way pymssql shows the `number`th tick of 1/300 s since 1900: to the millisecond."""
    seconds, part = divmod(number, 300)
    return datetime.fromtimestamp(seconds - 2208988800, UTC).replace(
        tzinfo=None, microsecond=round(part * 10 / 3) * 1000 % 1_000_000
    )


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("AARON     ", "AARON"),
        ("  two leading", "  two leading"),
        ("tab stays\t  ", "tab stays\t"),
        ("hard blank stays\xa0 ", "hard blank stays\xa0"),
        ("     ", ""),
        (Decimal("10.50000"), Decimal("10.50000")),
        (0, 0),
        (True, True),
        (None, None),
        (datetime(1900, 1, 1), None),  # noqa: DTZ001
        (datetime(2027, 4, 12), date(2027, 4, 12)),  # noqa: DTZ001
        (datetime(1900, 1, 1, 14, 30), datetime(1900, 1, 1, 14, 30)),  # noqa: DTZ001
        (b"\x01\xff", "01FF"),
    ],
)
def test_values_lose_padding_and_the_date_that_means_none(raw: object, value: object) -> None:
    assert normalise(raw) == value
    assert type(normalise(raw)) is type(value)


def test_row_stamp_is_utc_and_keeps_its_tick() -> None:
    stamp = datetime(2027, 4, 12, 9, 0, 0, 3000)  # noqa: DTZ001
    assert normalise(stamp, "dex_row_ts") == datetime(2027, 4, 12, 9, 0, 0, 3000, UTC)


def test_midnight_stamp_stays_a_stamp() -> None:
    assert normalise(datetime(2027, 4, 12), "DEX_ROW_TS") == datetime(2027, 4, 12, tzinfo=UTC)  # noqa: DTZ001


def test_a_type_gp_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="CUSTNAME"):
        normalise(object(), "CUSTNAME")


@given(_TICKS)
def test_stamp_text_reads_back_as_the_same_tick(number: int) -> None:
    assert datetime.fromisoformat(stamp_text(tick(number))) == tick(number)


@given(_TICKS, _TICKS)
def test_stamp_texts_sort_as_the_stamps_do(one: int, other: int) -> None:
    assert (stamp_text(tick(one)) < stamp_text(tick(other))) == (tick(one) < tick(other))


@given(st.text(st.characters(codec="cp1252")), st.integers(0, 20))
def test_any_padding_is_taken_off_and_nothing_else(text: str, blanks: int) -> None:
    value = normalise(text.rstrip(" ") + " " * blanks)
    assert value == text.rstrip(" ")
