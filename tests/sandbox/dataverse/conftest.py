import ssl

import httpx
import pytest

from sandbox.dataverse.server import Dataverse, Options
from sandbox.identity import tokens
from tests.sandbox.dataverse.helpers import Client, add_column, add_key
from tests.sandbox.dataverse.receiver import Receiver

LOAD = [
    {"name": "Alpha", "creditlimit": 100, "numberofemployees": 5, "paymenttermscode": 1},
    {"name": "beta  ", "creditlimit": 200.5, "creditonhold": True},
    {"name": "Gamma_50%", "numberofemployees": 7, "telephone1": "425-1"},
    {"name": "O'Brien & Söhne", "lastonholdtime": "2025-01-31T08:30:00Z"},
]


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    """Certificates and signing keys made once; rows are each server's own."""
    return tmp_path_factory.mktemp("dataverse")


@pytest.fixture
async def started(state):
    """Start servers with given options; all are stopped at the end."""
    clients = []

    async def start(**options):
        for file in (state / "dataverse").glob("*"):
            file.unlink()
        server = Dataverse(state, Options(**options))
        await server.start()
        application = server.registry.tenant().applications[0]
        token = tokens.issue(server.registry, application, server.url, 600)
        api = httpx.AsyncClient(
            base_url=f"{server.url}/api/data/v9.2/",
            headers={"Authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=server.certs.ca_file),
        )
        clients.append(Client(server, api, httpx.AsyncClient(base_url=server.admin, verify=False)))
        return clients[-1]

    yield start
    for client in clients:
        await client.api.aclose()
        await client.door.aclose()
        await client.server.stop()


@pytest.fixture
async def client(started):
    return await started()


@pytest.fixture
async def keyed(client):
    """A client whose accounts have the alternate key gp365_key."""
    await client.post(
        "publishers",
        json={
            "uniquename": "gp365",
            "friendlyname": "GP365",
            "customizationprefix": "gp365",
            "customizationoptionvalueprefix": 18233,
        },
    )
    await add_column(client, "account", "String", "gp365_Key", MaxLength=50)
    await add_key(client, "account", "gp365_AccountKey", "gp365_key")
    return client


@pytest.fixture
async def loaded(client):
    """A client that knows the `ids` of the accounts of LOAD."""
    answer = await client.door.post("/seed", json={"set": "accounts", "rows": LOAD})
    client.ids = answer.json()["ids"]
    return client


@pytest.fixture
async def receiver(client):
    """A receiver that `hook.example` leads to."""
    receiver = Receiver()
    await receiver.start()
    await client.door.put("/hosts", json={"hook.example": receiver.url})
    yield receiver
    await receiver.stop()
