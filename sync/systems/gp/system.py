"""GP as the line sees it: a source of records and of changes."""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table

from sync.mapping import Mapping
from sync.system import Identity, Record
from sync.systems.gp.changes import GpFeeds, Poll, known_version
from sync.systems.gp.client import GpClient
from sync.systems.gp.environment import look
from sync.systems.gp.reader import GpReader


class GpSystem:
    """Reads and polls through one client. Errors are those of `GpClient.query`."""

    def __init__(self, client: GpClient) -> None:
        self.client = client
        self._reader = GpReader(client)
        self._feeds = GpFeeds(client)

    async def read(self, company: str, mapping: Mapping, keys: Iterable[str]) -> dict[str, Record]:
        """The records GP holds of these keys: see `GpReader.read`."""
        return await self._reader.read(company, mapping, keys)

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]:
        """A page of all keys: see `GpReader.keys`."""
        return await self._reader.keys(company, mapping, after, limit)

    async def held(self, company: str, mapping: Mapping, keys: Iterable[str]) -> set[str]:
        """Those of the keys that GP holds: see `GpReader.held`."""
        return await self._reader.held(company, mapping, keys)

    async def living(self, company: str, mapping: Mapping, identities: Iterable[str]) -> dict[str, list[str]]:
        """The keys under which GP holds these identities: see `GpReader.living`."""
        return await self._reader.living(company, mapping, identities)

    async def count(self, company: str, mapping: Mapping) -> int:
        """How many keys there are."""
        return await self._reader.count(company, mapping)

    async def poll(self, company: str, mappings: Sequence[Mapping], cursor: Table[str, object]) -> Poll:
        """What changed since `cursor`: see `GpFeeds.poll`."""
        return await self._feeds.poll(company, mappings, cursor)

    async def identity(self, company: str, cursor: Table[str, object]) -> Identity:
        """Which environment a company is now, and the highest change version that `cursor` knew; in one round trip."""
        return await look(self.client, company, known_version(cursor))

    async def close(self) -> None:
        await self.client.close()
