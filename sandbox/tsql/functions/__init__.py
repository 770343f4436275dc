"""T-SQL's functions: each compiles to typed PostgreSQL, or to a value the session supplies."""

from sandbox.tsql.functions import aggregates, documents, moments, numbers, session, text
from sandbox.tsql.functions.common import Maker
from sandbox.tsql.functions.session import GLOBALS

FUNCTIONS: dict[str, Maker] = {
    name: maker
    for module in (text, numbers, aggregates, moments, documents, session)
    for name, maker in module.FUNCTIONS.items()
}
# Written without parentheses: the function each stands for.
BARE = {
    "CURRENT_TIMESTAMP": "GETDATE", "SYSTEM_USER": "SUSER_SNAME", "CURRENT_USER": "USER_NAME", "USER": "USER_NAME",
    "SESSION_USER": "USER_NAME",
}  # fmt: skip

__all__ = ["BARE", "FUNCTIONS", "GLOBALS"]
