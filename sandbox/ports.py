"""Loopback ports that stay the same across restarts, kept in a file."""

import json
import secrets
import socket
from pathlib import Path

OURS = range(10_000, 30_000)
"""Below what Linux, macOS and Windows take for outgoing connections; so wide that two sandboxes hardly meet."""


class Ports:
    """Names to ports of 127.0.0.1, remembered in `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ports: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def of(self, name: str) -> int:
        """The port remembered for `name`, or a new one when there is none or something else took it."""
        if name not in self._ports or not _is_free(self._ports[name]):
            self._ports[name] = _any_free()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._ports, indent=1), encoding="utf-8")
        return self._ports[name]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Closed connections linger on a port that a server just left; that is no reason to leave it too.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _any_free() -> int:
    """A port that nothing uses, and that no system gives to an outgoing connection before ours is bound."""
    return next(port for port in iter(lambda: secrets.choice(OURS), None) if _is_free(port))
