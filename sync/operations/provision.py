"""Makes what the mappings need in Dataverse: columns of our own, alternate keys, tracking of the tables that we read."""

from collections.abc import AsyncIterator

from sync.runtime import Runtime
from sync.systems.dataverse.provision import Step, track_changes
from sync.systems.dataverse.provision import provision as provision_mapping


async def provision(runtime: Runtime) -> AsyncIterator[Step]:
    """Every mapping in turn, step by step; what is there already is left alone."""
    for mapping in runtime.mappings.values():
        async for step in provision_mapping(runtime.dataverse, mapping):
            yield step
    for table in runtime.catchup.tables:
        yield await track_changes(runtime.dataverse, table)
