"""The host keys, kept in blob storage as the real host keeps them: container azure-webjobs-secrets."""

import contextlib
import json
import secrets
from dataclasses import dataclass

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob.aio import ContainerClient

CONTAINER = "azure-webjobs-secrets"


@dataclass(frozen=True)
class Keys:
    """`master` opens everything, `function` what asks for a function key."""

    master: str
    function: str

    def allow(self, level: str, key: str) -> bool:
        """Whether `key` opens something of authLevel `level` (ANONYMOUS, FUNCTION, ADMIN)."""
        if level == "ANONYMOUS":
            return True
        accepted = [self.master] if level == "ADMIN" else [self.master, self.function]
        return any(secrets.compare_digest(key.encode(), each.encode()) for each in accepted)


async def load(container: ContainerClient, host_id: str) -> Keys:
    """The keys of this host id, made on its first start; hosts that start at once agree on one set."""
    blob = container.get_blob_client(f"{host_id}/host.json")
    if not await blob.exists():
        with contextlib.suppress(ResourceExistsError):
            await blob.upload_blob(json.dumps(_new()), overwrite=False)
    content = json.loads(await (await blob.download_blob()).readall())
    return Keys(content["masterKey"]["value"], content["functionKeys"][0]["value"])


def _new() -> dict[str, object]:
    return {"masterKey": _key("master"), "functionKeys": [_key("default")], "systemKeys": []}


def _key(name: str) -> dict[str, object]:
    return {"name": name, "value": secrets.token_urlsafe(40), "encrypted": False}
