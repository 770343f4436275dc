"""Who is calling and what they may do: application users, bearer tokens and privileges."""

import time
from dataclasses import dataclass

import jwt

from sandbox.dataverse.errors import DataverseError, not_a_member, privilege_denied
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Store
from sandbox.identity import tokens
from sandbox.identity.registry import Registry


@dataclass(frozen=True)
class User:
    """A systemuser: ids, and the privileges its role lacks (`prvWriteAccount`)."""

    id: str
    business_unit: str
    lacks: frozenset[str] = frozenset()

    def need(self, privilege: str, table: Table) -> None:
        """Raises DataverseError 0x80040220 unless the user has e.g. "Read" on this table."""
        self.need_named(f"prv{privilege}{table.schema_name}", table.name, table.object_type_code)

    def need_named(self, privilege: str, entity: str, code: int | None = None) -> None:
        """Raises DataverseError 0x80040220 unless the user has this privilege."""
        if privilege.lower() in self.lacks:
            raise privilege_denied(self.id, privilege, entity, code)


class Access:
    """Checks bearer tokens against the tenant's key and finds their application user."""

    def __init__(self, store: Store, registry: Registry, authority: str) -> None:
        self._store, self._registry, self._authority = store, registry, authority
        self._verified: dict[tuple[str, str], dict[str, str]] = {}

    def user(self, authorization: str, organization: str) -> User:
        """The user behind an `Authorization` header, for the organization at this URL.

        Raises DataverseError: 401 with the challenge that names the tenant, 403 0x80072560 for an application
        that is no user here.
        """
        try:
            claims = self._claims(authorization, organization)
        except jwt.InvalidTokenError as error:
            challenge = f"Bearer authorization_uri={self._authority}/oauth2/authorize, resource_id={organization}/"
            raise DataverseError(401, "", str(error), {"WWW-Authenticate": challenge}) from None
        table = self._store.schema.table("systemuser")
        assert table is not None
        rows = self._store.find(table, {"applicationid": claims["appid"]})
        if not rows or rows[0]["isdisabled"]:
            raise not_a_member()
        return User(str(rows[0]["systemuserid"]), str(rows[0]["businessunitid"]), self.lacks())

    def _claims(self, authorization: str, organization: str) -> dict[str, str]:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise jwt.InvalidTokenError("no bearer token")
        known = self._verified.get((token, organization))
        if known is None or float(known["exp"]) <= time.time():
            known = tokens.verify(self._registry, token.strip(), organization)
            self._verified[token, organization] = known
        return known

    def lacks(self) -> frozenset[str]:
        """The privileges taken away by the door, in lower case."""
        names = self._store.setting("lacks", [])
        assert isinstance(names, list)
        return frozenset(str(name).lower() for name in names)
