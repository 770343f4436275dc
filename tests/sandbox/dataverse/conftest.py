import ssl
from dataclasses import dataclass

import httpx
import pytest

from sandbox.dataverse.server import Dataverse, Options
from sandbox.identity import tokens


@dataclass
class Client:
    """An httpx client signed in as the application user, with the door beside it."""

    server: Dataverse
    api: httpx.AsyncClient
    door: httpx.AsyncClient

    def __getattr__(self, name):
        return getattr(self.api, name)

    async def create(self, entity_set, **values):
        """POST a row; the new id."""
        answer = await self.api.post(entity_set, json=values)
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].split("(")[1].rstrip(")")

    async def row(self, entity_set, row_id, **params):
        answer = await self.api.get(f"{entity_set}({row_id})", params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, entity_set, headers=None, **options):
        """The `value` of a set read with `$`-options given without their `$`."""
        params = {f"${name}": value for name, value in options.items()}
        answer = await self.api.get(entity_set, params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]


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
        clients.append(Client(server, api, httpx.AsyncClient(base_url=server.admin)))
        return clients[-1]

    yield start
    for client in clients:
        await client.api.aclose()
        await client.door.aclose()
        await client.server.stop()


@pytest.fixture
async def client(started):
    return await started()


def error(answer, status, code):
    """Assert that an answer is this refusal; its message."""
    assert answer.status_code == status, answer.text
    body = answer.json()["error"]
    assert body["code"].lower() == code, body
    return body["message"]
