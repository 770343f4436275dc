"""JSON paths of OPENJSON and JSON_VALUE."""

import re

from sandbox.tsql.errors import error

_STEP = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_][\w]*))|\[(\d+)\]')


def json_path(text: str) -> tuple[str, str]:
    """(strict as SQL boolean, the path as a PostgreSQL text array)."""
    words = text.strip().split(None, 1)
    mode, path = (
        (words[0].lower(), words[1])
        if len(words) == 2 and words[0].lower() in {"lax", "strict"}
        else ("lax", text.strip())
    )
    if not path.startswith("$"):
        raise error(102, path)
    steps, at = [], 1
    while at < len(path):
        match = _STEP.match(path, at)
        if not match:
            raise error(102, path[at:])
        steps.append(next(group for group in match.groups() if group is not None))
        at = match.end()
    quoted = ", ".join("'" + step.replace("'", "''") + "'" for step in steps)
    return str(mode == "strict").lower(), f"ARRAY[{quoted}]::text[]"
