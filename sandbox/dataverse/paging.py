"""The paging cookie: opaque to clients, it says where the next page starts."""

import json
from dataclasses import dataclass
from urllib.parse import quote, unquote

from sandbox.dataverse.errors import bad_query
from sandbox.dataverse.wire import Call


@dataclass(frozen=True)
class Page:
    """Where a page starts: after this key, or so many rows in. `since` and `upto` are row versions of a delta."""

    number: int = 1
    after: str = ""
    skip: int = 0
    since: int = 0
    upto: int = 0


def next_link(call: Call, number: int, place: dict[str, object], *, tracking: bool = False) -> str:
    """The URL of the following page: this one's, with a cookie in `$skiptoken`."""
    inner = quote(json.dumps(place), safe="")
    cookie = f'<cookie pagenumber="{number}" pagingcookie="{inner}" istracking="{tracking}" />'
    return with_option(call, "$skiptoken", cookie)


def with_option(call: Call, name: str, value: str) -> str:
    """The call's URL with its skip or delta token, if any, replaced by this one."""
    parts = (part for part in call.query.split("&") if part)
    kept = [part for part in parts if unquote(part.partition("=")[0]) not in {"$skiptoken", "$deltatoken"}]
    return f"{call.root}/{call.path}?" + "&".join([*kept, f"{name}={quote(value, safe='')}"])


def parse_page(token: str | None) -> Page:
    """The place a `$skiptoken` names. Raises DataverseError 0x80060888 for one not made here."""
    if token is None:
        return Page()
    try:
        number, inner = token.split('"')[1:4:2]
        return Page(int(number), **json.loads(unquote(inner)))
    except (ValueError, TypeError) as error:
        raise bad_query("Malformed XML in the paging cookie.") from error
