"""Real Azurite with a gate in front of each of its services."""

import json
from pathlib import Path

from sandbox.door import Door
from sandbox.storage.azurite import SERVICES, Azurite, connection_string
from sandbox.storage.gate import Gate


class Storage:
    """Queues, tables and blobs whose data, and ports, are kept in the folder `state` across restarts.

    `start` returns the connection string. Faults and counts go through `door` (see Gate).
    """

    def __init__(self, state: Path, door: Door) -> None:
        self._state = state
        self._door = door
        self._azurite = Azurite(state / "azurite")
        self._gates: list[Gate] = []

    async def start(self) -> str:
        upstream = await self._azurite.start()
        ports = {}
        for service in SERVICES:
            gate = Gate(service, upstream[service], self._door)
            ports[service] = await _start_where_it_was(gate, self._remembered().get(service, 0))
            self._gates.append(gate)
        self._ports_file.write_text(json.dumps(ports), encoding="utf-8")
        return connection_string(ports)

    async def stop(self) -> None:
        for gate in self._gates:
            await gate.stop()
        await self._azurite.stop()

    @property
    def _ports_file(self) -> Path:
        return self._state / "ports.json"

    def _remembered(self) -> dict[str, int]:
        return json.loads(self._ports_file.read_text(encoding="utf-8")) if self._ports_file.exists() else {}


async def _start_where_it_was(gate: Gate, port: int) -> int:
    try:
        return await gate.start(port)
    except OSError:
        await gate.stop()
        return await gate.start()
