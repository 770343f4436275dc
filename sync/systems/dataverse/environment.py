"""Which environment a Dataverse URL leads to."""

from sync.system import Identity
from sync.systems.dataverse.client import DataverseClient


async def look(client: DataverseClient) -> Identity:
    """Ask, in one request. A copy, or a restore into another environment, has another OrganizationId."""
    return Identity("dataverse", {"organization": str((await client.get("/WhoAmI"))["OrganizationId"]).lower()})


async def kept_days(client: DataverseClient) -> int:
    """For how many days it remembers what changed."""
    [row] = (await client.get("/organizations?$select=expirechangetrackingindays"))["value"]
    return int(row["expirechangetrackingindays"])


class OwnUser:
    """The id of the user that we are there; asked once."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client
        self._id = ""

    async def id(self) -> str:
        if not self._id:
            self._id = str((await self._client.get("/WhoAmI"))["UserId"])
        return self._id
