"""Reads a whole table, page by page."""

from collections.abc import AsyncIterator

from sync.mapping import Mapping
from sync.system import Record
from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.rows import record_from, select

PAGE = 1_000
"""Rows of one answer; the service brings at most 5,000."""

MODIFIED = "modifiedon"


async def pages(client: DataverseClient, mapping: Mapping) -> AsyncIterator[list[tuple[Record, str]]]:
    """Every row with the moment at which it was changed last, as ISO text; in the order of their ids.

    Pages are followed as the service links them. Raises as `DataverseClient.get`.
    """
    side = mapping.dataverse
    link = f"/{side.set}?{select(mapping)},{MODIFIED}&$orderby={side.id}"
    prefer = {"Prefer": f"odata.maxpagesize={PAGE}"}
    while link:
        page = await client.get(link, prefer)
        yield [(record_from(mapping, row, ""), str(row.get(MODIFIED) or "")) for row in page["value"]]
        link = str(page.get("@odata.nextLink") or "")
