"""Azure Table Storage as the stores use it: transactions that survive one lost ETag, and one clock."""

import contextlib
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import batched
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import PipelineResponse
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from sync.stores.outage import outage
from sync.stores.transactions import Entity, Operation, Refused, submit

# Limits of the service: 100 operations a transaction, 15 comparisons a filter (one goes to the partition key).
MAX_OPERATIONS = 100
MAX_ROW_KEYS = 14


class Table:
    """One table. Creates it on first use of a missing one; turns outages into RetryLater."""

    def __init__(self, service: TableServiceClient, name: str) -> None:
        self._client: TableClient = service.get_table_client(name)
        self.now = datetime.now(UTC)
        """The service's clock at its last answer: ages of rows are measured against it."""

    async def get(self, partition: str, row: str) -> Entity | None:
        try:
            entity: Entity = await self._run(self._client.get_entity, partition, row)
            return entity
        except ResourceNotFoundError:
            return None

    async def rows(self, partition: str, row_keys: Sequence[str], *, close: bool = False) -> list[Entity]:
        """The rows of one partition that exist among `row_keys`.

        `close`: the keys are thought to be neighbours, so ranges are read instead of a few keys a call, for as long
        as at least a quarter of what they bring is wanted.
        """
        found: list[Entity] = []
        keys = sorted(set(row_keys))
        while close and len(keys) > MAX_ROW_KEYS:
            page = await self.page(partition, keys[0], f"{keys[-1]}!", 2 * len(keys))
            passed = bisect_right(keys, page[-1]["RowKey"]) if len(page) == 2 * len(keys) else len(keys)
            wanted = set(keys[:passed])
            found += [row for row in page if row["RowKey"] in wanted]
            close = 4 * passed >= len(page)
            keys = keys[passed:]
        for some in batched(keys, MAX_ROW_KEYS, strict=False):
            tests = " or ".join(f"RowKey eq {quoted(key)}" for key in some)
            found += [row async for row in self.query(f"PartitionKey eq {quoted(partition)} and ({tests})")]
        return found

    async def page(
        self, partition: str, low: str, high: str, limit: int, columns: Sequence[str] | None = None
    ) -> list[Entity]:
        """The first rows with low <= RowKey < high, in row order: at most `limit`, which may be up to 1,000.

        One call, unless the service cuts it short. `columns` names what to fetch, when that is not everything.
        """
        filter_ = f"PartitionKey eq {quoted(partition)} and RowKey ge {quoted(low)} and RowKey lt {quoted(high)}"
        rows: list[Entity] = []
        async with aclosing(self.query(filter_, limit, columns)) as found:
            async for row in found:
                rows.append(row)
                if len(rows) == limit:
                    break
        return rows

    async def query(
        self, filter_: str, page: int | None = None, columns: Sequence[str] | None = None
    ) -> AsyncGenerator[Entity]:
        """The rows that a filter lets through, `page` of them a call."""
        try:
            async for entity in self._client.query_entities(
                filter_,
                results_per_page=page,
                select=list(columns) if columns else None,
                raw_response_hook=self._watch_clock,
            ):
                yield entity
        except ResourceNotFoundError as error:
            self._read_clock(error.response)  # no hook is called when there is no table yet
        except HttpResponseError as error:
            raise outage(error, "Table") from error
        except (ServiceRequestError, ServiceResponseError) as error:
            raise outage(error, "Table") from error

    async def put(self, entity: Entity) -> None:
        """Insert or replace, unconditionally."""
        await self._run(self._client.upsert_entity, entity, mode=UpdateMode.REPLACE)

    async def insert(self, entity: Entity) -> str | None:
        """Insert; the new ETag, or None when the row exists."""
        try:
            done = await self._run(self._client.create_entity, entity)
        except ResourceExistsError:
            return None
        return str(done["etag"])

    async def replace(self, entity: Entity, etag: str) -> str | None:
        """Replace if `etag` still holds; the new ETag, or None when it does not."""
        try:
            done = await self._run(
                self._client.update_entity,
                entity,
                mode=UpdateMode.REPLACE,
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return None
        return str(done["etag"])

    async def delete(self, partition: str, row: str) -> None:
        await self._run(self._client.delete_entity, partition, row)

    async def transact(self, groups: Sequence[Sequence[Operation]]) -> list[list[str] | None]:
        """Each group of operations wholly or not at all; groups of one partition share transactions of up to 100.

        Returns per group its new ETags, or None when it was refused because an ETag was lost or a row exists. The
        other groups of the refused transaction are sent again.
        """
        results: list[list[str] | None] = [None] * len(groups)
        waiting = list(range(len(groups)))
        while waiting:
            batch = _fill(waiting, groups)
            etags, refused = await self._submit([groups[i] for i in batch])
            if refused is None:
                for i in batch:
                    results[i] = [etags.pop(0) for _ in groups[i]]
                waiting = waiting[len(batch) :]
            else:
                waiting.remove(batch[refused])
        return results

    async def _submit(self, groups: Sequence[Sequence[Operation]]) -> tuple[list[str], int | None]:
        """The ETags of one transaction, or the index of the group that made it fail."""
        operations: list[Operation] = [operation for group in groups for operation in group]
        try:
            return await self._run(submit, self._client, operations), None
        except Refused as error:
            if error.status_code not in (404, 409, 412):
                raise outage(error, "Table") from error
            return [], _group_of(error.index, groups)

    async def _run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One call of the SDK; a missing table is created and the call made again."""
        try:
            return await call(*args, **kwargs, raw_response_hook=self._watch_clock)
        except (ResourceExistsError, ResourceModifiedError):
            raise
        except (ServiceRequestError, ServiceResponseError) as error:
            raise outage(error, "Table") from error
        except HttpResponseError as error:
            if _lacks_table(error):
                with contextlib.suppress(ResourceExistsError):  # another worker was first
                    await self._client.create_table()
                return await self._run(call, *args, **kwargs)
            if error.status_code in (404, 409, 412) or isinstance(error, Refused):
                raise
            raise outage(error, "Table") from error

    def _watch_clock(self, response: PipelineResponse[Any, Any]) -> None:
        self._read_clock(response.http_response)

    def _read_clock(self, response: Any) -> None:
        if date := response.headers.get("Date") if response else None:
            self.now = parsedate_to_datetime(date)


def quoted(text: str) -> str:
    """A string literal of an OData filter."""
    return "'" + text.replace("'", "''") + "'"


def _lacks_table(error: HttpResponseError) -> bool:
    # The SDK's create_entity raises what came over the wire, without its code.
    return "TableNotFound" in f"{getattr(error, 'error_code', '')} {error}"


def _fill(waiting: Sequence[int], groups: Sequence[Sequence[Operation]]) -> list[int]:
    batch: list[int] = []
    size = 0
    for i in waiting:
        size += len(groups[i])
        if size > MAX_OPERATIONS:
            break
        batch.append(i)
    return batch


def _group_of(index: int, groups: Iterable[Sequence[Operation]]) -> int:
    for number, group in enumerate(groups):
        if index < len(group):
            return number
        index -= len(group)
    raise IndexError(index)
