"""Names the storage call in an HTTP request, so that calls can be counted by kind."""

import re
from collections.abc import Mapping

_CALLER = re.compile(r"\bgp365-([a-z]+)", re.IGNORECASE)


def caller(user_agent: str) -> str:
    """Who calls: WORD when the User-Agent holds `gp365-WORD` (gp365-host, gp365-app), else "other"."""
    found = _CALLER.search(user_agent)
    return found[1].lower() if found else "other"


def kind(service: str, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The call's name, such as "queue.put", "table.transaction", "blob.put"; `path` is /account/... ."""
    steps = [step for step in path.split("/") if step][1:]
    names = {"queue": _queue, "table": _table, "blob": _blob}
    return f"{service}.{names[service](method, steps, query, headers)}"


def _queue(method: str, steps: list[str], query: Mapping[str, str], _: Mapping[str, str]) -> str:
    if len(steps) < 2:
        scope = "queue" if steps else "service"
        return f"{scope}_{query.get('comp', {'PUT': 'create', 'DELETE': 'delete'}.get(method, method.lower()))}"
    if len(steps) == 3:
        return {"DELETE": "delete", "PUT": "update"}.get(method, method.lower())
    if query.get("peekonly") == "true":
        return "peek"
    return {"POST": "put", "GET": "get", "DELETE": "clear"}.get(method, method.lower())


def _table(method: str, steps: list[str], _: Mapping[str, str], headers: Mapping[str, str]) -> str:
    target = steps[0] if steps else ""
    if target == "$batch":
        return "transaction"
    if not target or target.startswith("Tables"):
        return {"POST": "table_create", "DELETE": "table_delete"}.get(method, "tables_list")
    if method == "GET":
        return "get" if "RowKey=" in target else "query"
    if method in ("PUT", "PATCH", "MERGE"):
        verb = "replace" if method == "PUT" else "merge"
        return verb if "If-Match" in headers else f"upsert_{verb}"
    return {"POST": "insert", "DELETE": "delete"}.get(method, method.lower())


def _blob(method: str, steps: list[str], query: Mapping[str, str], _: Mapping[str, str]) -> str:
    scope = "" if len(steps) > 1 else "container_"
    return f"{scope}{query['comp']}_{method.lower()}" if "comp" in query else f"{scope}{method.lower()}"
