"""Microsoft Dynamics GP, as GP365 reads it: `README.md` here says how GP behaves.

client = GpClient(GpSettings(...))
GpReader(client).read(company, mapping, keys)     records
GpReader(client).keys(company, mapping, after, limit)
GpFeeds(client).poll(company, mappings, cursor)   what changed
checks(client, mappings)                          doctor's lines
"""

from sync.systems.gp.changes import GpFeeds, Poll
from sync.systems.gp.client import GpClient, GpSettings
from sync.systems.gp.reader import GpReader

__all__ = ["GpClient", "GpFeeds", "GpReader", "GpSettings", "Poll"]
