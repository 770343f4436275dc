"""Note indexes and note texts."""

from datetime import datetime
from decimal import Decimal

from sandbox.gp.rows import Rows

_DAY_ZERO = datetime(1900, 1, 1)  # noqa: DTZ001 - GP's times have no zone


def take_index(rows: Rows, company_id: object = None, by: int = 1) -> Decimal | None:
    """A company's next note index, reserving `by` of them; None when the company isn't in SY01500.

    `company_id` is CMPANYID, by default that of the procedure's own company. The row of the company stays locked
    until the caller's transaction ends, as in GP.
    """
    key = {"INTERID": rows.context.database} if company_id is None else {"CMPANYID": company_id}
    company = rows.find_for_update("SY01500", **key)
    if not company:
        return None
    rows.update("SY01500", key, {"NOTEINDX": company["NOTEINDX"] + by})
    return company["NOTEINDX"]


def write(rows: Rows, index: object, text: str) -> None:
    """Upsert the note under `index`; a blank text removes it. SY03900 splits the local time into DATE1 and TIME1."""
    if not text:
        rows.delete("SY03900", NOTEINDX=index)
        return
    now = rows.context.now()
    values = {"DATE1": rows.today(), "TIME1": datetime.combine(_DAY_ZERO, now.time()), "TXTFIELD": text}
    if rows.exists("SY03900", NOTEINDX=index):
        rows.update("SY03900", {"NOTEINDX": index}, values)
    else:
        rows.insert("SY03900", {"NOTEINDX": index} | values)
