"""Which environment a Dataverse URL leads to."""

from sync.system import Identity
from sync.systems.dataverse.client import DataverseClient


async def look(client: DataverseClient) -> Identity:
    """Ask, in one request. A copy, or a restore into another environment, has another OrganizationId."""
    return Identity("dataverse", {"organization": str((await client.get("/WhoAmI"))["OrganizationId"]).lower()})
