"""Dates and times between Python values and the bytes of their types, both ways, without a length in front."""

import datetime
import struct

from sandbox.tds.bits import ProtocolError
from sandbox.tds.contract import SqlError

_EPOCH = datetime.datetime(1900, 1, 1)  # noqa: DTZ001 - the server's datetime has no zone
_EPOCH_DAY = _EPOCH.toordinal()
_FIRST_DAY = datetime.date(1753, 1, 1).toordinal() - _EPOCH_DAY
_LAST_DAY = datetime.date.max.toordinal() - _EPOCH_DAY
_DAY_TICKS = 300 * 86_400
_MINUTE = datetime.timedelta(minutes=1)


def datetime_bytes(value: object) -> bytes:
    """datetime: days since 1900 and ticks of 1/300 s, rounded. Raises `SqlError` 242 outside 1753-9999."""
    moment = _moment(value)
    ticks = (_microseconds(moment) * 3 + 5_000) // 10_000
    days = moment.toordinal() - _EPOCH_DAY + ticks // _DAY_TICKS
    if not _FIRST_DAY <= days <= _LAST_DAY:
        raise _out_of_range(value, "datetime")
    return struct.pack("<iI", days, ticks % _DAY_TICKS)


def read_datetime(data: bytes) -> datetime.datetime:
    """Ticks are shown as .000, .003 and .007."""
    days, ticks = struct.unpack("<iI", data)
    if ticks >= _DAY_TICKS or not _FIRST_DAY <= days <= _LAST_DAY:
        raise ProtocolError(f"a datetime of {days} days and {ticks} ticks")
    return _EPOCH + datetime.timedelta(days=days, milliseconds=(ticks * 10 + 1) // 3)


def smalldatetime_bytes(value: object) -> bytes:
    """smalldatetime: days since 1900 and minutes, rounded. Raises `SqlError` 242 outside 1900-2079."""
    moment = _moment(value)
    minutes = (_microseconds(moment) + 30_000_000) // 60_000_000
    days = moment.toordinal() - _EPOCH_DAY + minutes // 1440
    if not 0 <= days < 65_536:
        raise _out_of_range(value, "smalldatetime")
    return struct.pack("<HH", days, minutes % 1440)


def read_smalldatetime(data: bytes) -> datetime.datetime:
    days, minutes = struct.unpack("<HH", data)
    return _EPOCH + datetime.timedelta(days=days, minutes=minutes)


def date_bytes(value: object) -> bytes:
    """date: days since 0001-01-01."""
    return _days(_moment(value).toordinal())


def read_date(data: bytes) -> datetime.date:
    return datetime.date.fromordinal(int.from_bytes(data[:3], "little") + 1)


def time_bytes(value: datetime.time, scale: int) -> bytes:
    """time: units of 10^-scale seconds, rounded; what rounds up to midnight is 00:00."""
    return _clock(_microseconds(value), scale)[1]


def read_time(data: bytes, scale: int) -> datetime.time:
    return (_EPOCH + _since_midnight(data, scale)).time()


def datetime2_bytes(value: object, scale: int) -> bytes:
    """datetime2: a time, then a date. Raises `SqlError` 242 when it rounds past the year 9999."""
    moment = _moment(value)
    carried, clock = _clock(_microseconds(moment), scale)
    day = moment.toordinal() + carried
    if day > datetime.date.max.toordinal():
        raise _out_of_range(value, "datetime2")
    return clock + _days(day)


def read_datetime2(data: bytes, scale: int) -> datetime.datetime:
    size = _clock_size(scale)
    day = datetime.datetime.combine(read_date(data[size:]), datetime.time())
    return day + _since_midnight(data[:size], scale)


def datetimeoffset_bytes(value: datetime.datetime, scale: int) -> bytes:
    """datetimeoffset: the moment in UTC as datetime2, then the offset in minutes."""
    offset = value.utcoffset() or datetime.timedelta()
    return datetime2_bytes(value.replace(tzinfo=None) - offset, scale) + struct.pack("<h", offset // _MINUTE)


def read_datetimeoffset(data: bytes, scale: int) -> datetime.datetime:
    offset = datetime.timezone(_MINUTE * struct.unpack("<h", data[-2:])[0])
    return read_datetime2(data[:-2], scale).replace(tzinfo=datetime.UTC).astimezone(offset)


def _moment(value: object) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    assert isinstance(value, datetime.date)
    return datetime.datetime.combine(value, datetime.time())


def _microseconds(value: datetime.datetime | datetime.time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def _days(ordinal: int) -> bytes:
    return (ordinal - 1).to_bytes(3, "little")


def _clock_size(scale: int) -> int:
    return 3 if scale < 3 else 4 if scale < 5 else 5


def _clock(microseconds: int, scale: int) -> tuple[int, bytes]:
    """Whole days carried over by rounding, and the time of day in units of 10^-scale seconds."""
    units = (microseconds * 10**scale + 500_000) // 1_000_000
    carried, units = divmod(units, 86_400 * 10**scale)
    return carried, units.to_bytes(_clock_size(scale), "little")


def _since_midnight(data: bytes, scale: int) -> datetime.timedelta:
    return datetime.timedelta(microseconds=int.from_bytes(data, "little") * 1_000_000 // 10**scale)


def _out_of_range(value: object, name: str) -> SqlError:
    return SqlError(242, f"{value} is out of range for {name}.")
