"""System jobs of our steps that Dataverse gave up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.wanted import PREFIX
from sync.value import visible

FAILED = 31


@dataclass(frozen=True)
class Failure:
    """How many jobs of a step failed, and what the last one said."""

    step: str
    count: int
    text: str


async def failures(client: DataverseClient, steps: Sequence[Mapping[str, Any]], since: datetime) -> list[Failure]:
    """Those of our steps with failed jobs since a moment; one request a step."""
    found = []
    for step in steps:
        if not str(step["name"]).startswith(PREFIX):
            continue
        where = (
            f"_owningextensionid_value eq {step['sdkmessageprocessingstepid']} and statuscode eq {FAILED} "
            f"and createdon ge {since:%Y-%m-%dT%H:%M:%SZ}"
        )
        columns = "asyncoperationid,friendlymessage,errorcode,createdon"
        path = f"/asyncoperations?$select={columns}&$filter={where}&$orderby=createdon desc&$top=1&$count=true"
        answer = await client.get(path)
        if rows := answer["value"]:
            text = visible(str(rows[0].get("friendlymessage") or rows[0].get("errorcode") or ""))[:200]
            found.append(Failure(step["name"].removeprefix(PREFIX), int(answer["@odata.count"]), text))
    return found
