"""CreateMultiple: many new rows in one request, all of them or none. It answers ids only, so they are read back."""

from collections.abc import Sequence

from sync.errors import SyncError
from sync.mapping import Mapping
from sync.system import Outcome, Record, Verdict, Write
from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.queries import ask, questions
from sync.systems.dataverse.rows import body_of, record_from

TYPE = "Microsoft.Dynamics.CRM."


class CreateMultiple:
    """CreateMultiple of one environment; which of its tables have it is asked once each."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client
        self._known: dict[str, bool] = {}

    async def has(self, entity: str) -> bool:
        """Whether the table has it. No as long as that can't be found out."""
        if entity not in self._known:
            wanted = "$filter=sdkmessageid/name eq @m and primaryobjecttypecode eq @t"
            path = f"/sdkmessagefilters?$select=sdkmessagefilterid&{wanted}&@m='CreateMultiple'&@t='{entity}'"
            try:
                self._known[entity] = bool((await self._client.get(path))["value"])
            except SyncError:
                return False
        return self._known[entity]

    async def create(self, company: str, mapping: Mapping, writes: Sequence[Write], own_user: str) -> list[Verdict]:
        """Create all rows; the verdicts in order.

        Raises Rejected or BadSettings when none was created, and RetryLater when nobody knows.
        """
        side = mapping.dataverse
        kind = {"@odata.type": TYPE + side.entity}
        targets = [kind | body_of(company, mapping, write) for write in writes]
        await self._client.send("POST", f"/{side.set}/{TYPE}CreateMultiple", body={"Targets": targets})
        kept = await self._kept(mapping, writes, own_user)
        return [Verdict(write.id, Outcome.WRITTEN, kept.get(write.id)) for write in writes]

    async def _kept(self, mapping: Mapping, writes: Sequence[Write], own_user: str) -> dict[str, Record]:
        """What became of the new rows: only those that nobody wrote since, none when they can't be read."""
        marks = {write.id: write.mark for write in writes}
        asked = questions(mapping, "id", [mapping.dataverse.id], [(id_,) for id_ in marks])
        try:
            rows = (await ask(self._client, asked))["id"]
        except SyncError:
            return {}
        records = [record_from(mapping, row, own_user) for row in rows]
        return {each.key: each for each in records if each.written_by_us and each.mark == marks.get(each.key)}
