"""Who may do what: an administrator, the integration login with the least it needs, a reader of one table."""

from collections.abc import Mapping

from sandbox.gp.tables import SYSTEM
from sandbox.tsql.logins import LoginRights

COMPANIES = ("TWO", "THREE")
_INTEGRATION = {"*": ["SELECT", "VIEW CHANGE TRACKING"], "ta*": ["SELECT", "VIEW CHANGE TRACKING", "EXECUTE"]}
_READER = {"RM00101": ["SELECT"]}


def logins(passwords: Mapping[str, str]) -> dict[str, LoginRights]:
    """Rights of each login by name; `passwords` names `sa`, `gp365` and `reader`."""
    return {
        "sa": LoginRights(passwords["sa"], admin=True),
        "gp365": LoginRights(passwords["gp365"], rights=dict.fromkeys((SYSTEM, *COMPANIES), _INTEGRATION)),
        "reader": LoginRights(passwords["reader"], rights=dict.fromkeys(COMPANIES, _READER)),
    }
