import pytest

from sandbox.identity.server import Identity


@pytest.fixture
async def identity(tmp_path):
    server = Identity(tmp_path)
    await server.start()
    server.registry.add_resource("https://localhost:9999")
    yield server
    await server.stop()
