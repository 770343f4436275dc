"""Whether a login may do what a plan does."""

from typing import TYPE_CHECKING

from sandbox.tsql.errors import error
from sandbox.tsql.plan import Plan

if TYPE_CHECKING:
    from sandbox.tsql.session import SqlSession

_ALWAYS_READABLE = {"sys", "information_schema", "#"}


def check_rights(session: "SqlSession", plan: Plan) -> None:
    """SqlError 229 or 916 when the login lacks a right the plan needs."""
    if session.login_rights.admin or session.frame.privileged:
        return
    for need in sorted(plan.needs, key=lambda need: (need.name, need.permission)):
        if not need.database or need.name[:1] in {"#", "@"}:
            continue
        if not session.login_rights.enters(need.database):
            raise error(916, session.login.user, need.database)
        if need.schema.lower() not in _ALWAYS_READABLE and not session.login_rights.allows(
            need.database, need.name, need.permission
        ):
            raise error(229, need.permission, need.name, need.database, need.schema)
