"""Logins and their rights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class LoginRights:
    """What a login may do. `admin` may everything.

    `rights` maps a database to a map from object name (or "*") to permissions: SELECT, INSERT, UPDATE, DELETE,
    EXECUTE, "VIEW CHANGE TRACKING". A database in `rights` may be entered; the catalogue views need no right.
    An object name may end in * ("ta*").
    """

    password: str
    admin: bool = False
    rights: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def enters(self, database: str) -> bool:
        return self.admin or any(name.lower() == database.lower() for name in self.rights)

    def allows(self, database: str, name: str, permission: str) -> bool:
        if self.admin:
            return True
        objects = next((objects for known, objects in self.rights.items() if known.lower() == database.lower()), {})
        return any(_covers(pattern, name) and permission.upper() in granted for pattern, granted in objects.items())


def _covers(pattern: str, name: str) -> bool:
    low = pattern.lower()
    return name.lower().startswith(low[:-1]) if low.endswith("*") else name.lower() == low
