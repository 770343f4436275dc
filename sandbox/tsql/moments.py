"""SQL Server's dates and times: ticks of 1/300 s, and what text is one."""

import re
from datetime import datetime, timedelta

from sandbox.tds.contract import SqlType
from sandbox.tsql.errors import error

# SQL Server's moments have no time zone.
EPOCH = datetime(1900, 1, 1)  # noqa: DTZ001


def tick(moment: datetime) -> datetime:
    """The nearest 1/300 s, shown as SQL Server shows it: .000, .003 or .007."""
    whole = moment.replace(microsecond=0)
    ticks = (moment.microsecond * 300 + 500_000) // 1_000_000
    return whole + timedelta(milliseconds=(ticks * 1000 + 150) // 300)


_DATE = r"(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<c>\d{8})|(?P<us_m>\d{1,2})[/-](?P<us_d>\d{1,2})[/-](?P<us_y>\d{4}))"
_TIME = r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.:](?P<f>\d{1,9}))?)?\s*(?P<ap>[AaPp][Mm])?"
_MOMENT = re.compile(rf"\s*(?:{_DATE})?(?:(?(y)[ T]+|\s*)?{_TIME})?(?P<zone>Z|[+-]\d\d:\d\d)?\s*$", re.ASCII)


def fine(moment: datetime) -> datetime:
    """What a datetime is in a finer type: .003 stands for one tick of 1/300 s and becomes .003333."""
    ticks = round(moment.microsecond * 3 / 10_000)
    return moment.replace(microsecond=round(ticks * 10_000 / 3))


def parse_moment(text: str, kind: SqlType) -> datetime:
    """A date and time from text, as US English with DATEFORMAT mdy reads it; SqlError 241 or 242."""
    if not text.strip():
        return EPOCH
    match = _MOMENT.match(text)
    if not match or not any(match.groupdict().values()):
        raise error(241)
    fraction = match["f"] or ""
    if kind.name in {"datetime", "smalldatetime"} and (len(fraction) > 3 or match["zone"]):
        raise error(241)
    try:
        return _assemble(match, fraction)
    except ValueError:
        raise error(242, "varchar") if kind.name == "datetime" else error(241) from None


def _assemble(match: re.Match[str], fraction: str) -> datetime:
    year, month, day = 1900, 1, 1
    if match["c"]:
        year, month, day = int(match["c"][:4]), int(match["c"][4:6]), int(match["c"][6:])
    elif match["y"]:
        year, month, day = int(match["y"]), int(match["m"]), int(match["d"])
    elif match["us_y"]:
        year, month, day = int(match["us_y"]), int(match["us_m"]), int(match["us_d"])
    hour = int(match["h"] or 0)
    if match["ap"]:
        hour = hour % 12 + (12 if match["ap"].lower() == "pm" else 0)
    micro = int(fraction.ljust(6, "0")[:6]) if fraction else 0
    return datetime(year, month, day, hour, int(match["mi"] or 0), int(match["s"] or 0), micro)  # noqa: DTZ001
