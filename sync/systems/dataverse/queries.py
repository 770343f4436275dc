"""Reads many rows in one request: by id, by key, by what they hold. Each question is a GET of one `$batch`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import Any
from urllib.parse import quote

from sync.mapping import Mapping
from sync.systems.dataverse.batch import Part, send
from sync.systems.dataverse.client import API, DataverseClient, error_from, read_json
from sync.systems.dataverse.rows import select

# A URL inside a batch may have 64 KB.
_URL = 60_000
_VALUES = 200
_IDS = 100

type Question = tuple[str, str]
"""What is asked, and the URL that asks it."""


def questions(
    mapping: Mapping, about: str, columns: Sequence[str], wanted: Iterable[Sequence[str]], read: str = ""
) -> list[Question]:
    """The URLs that find all rows whose `columns` hold one of the `wanted` values; they may find some more when there
    are several columns. `read` is the `$select`, when it is not that of a whole record.
    """
    head = f"{API}/{mapping.dataverse.set}?{read or select(mapping)}&$filter="
    return [(about, head + _filter(columns, some)) for some in _chunks(columns, wanted, _URL - len(head))]


def same(mapping: Mapping, column: str, ids: Sequence[str], read: str) -> list[Question]:
    """The URLs that find all rows whose look-up `column` names one of these ids: by comparisons, as the documentation shows it."""
    head = f"{API}/{mapping.dataverse.set}?{read}&$filter="
    each = [quote(" or ".join(f"{column} eq {id_}" for id_ in some)) for some in batched(ids, _IDS, strict=False)]
    return [(column, head + filter_) for filter_ in each]


async def ask(client: DataverseClient, asked: Sequence[Question]) -> dict[str, list[dict[str, Any]]]:
    """The rows by what was asked, all pages of them. Raises SyncError when one question is refused."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    while asked:
        answers = await send(client, [Part("GET", url) for _, url in asked])
        further = []
        for (about, _), answer in zip(asked, answers, strict=True):
            if answer.status >= 400:
                raise error_from(answer.status, answer.body, answer.headers)
            page = read_json(answer.body)
            found[about] += page["value"]
            if link := page.get("@odata.nextLink"):
                further.append((about, link))
        asked = further
    return found


def _filter(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    values = [dict.fromkeys(column) for column in zip(*rows, strict=True)]
    tests = (_in(name, of) for name, of in zip(columns, values, strict=True))
    return quote(" and ".join(tests), safe="=(),.'")


def _in(column: str, values: Iterable[str]) -> str:
    listed = ",".join(_literal(value) for value in values)
    return f"Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{listed}])"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _chunks(columns: Sequence[str], rows: Iterable[Sequence[str]], room: int) -> Iterator[list[Sequence[str]]]:
    empty = len(_filter(columns, [[""] * len(columns)]))
    chunk: list[Sequence[str]] = []
    length = empty
    for row in rows:
        more = sum(len(quote(_literal(value), safe="'")) + 1 for value in row)
        if chunk and (len(chunk) == _VALUES or length + more > room):
            yield chunk
            chunk, length = [], empty
        chunk.append(row)
        length += more
    if chunk:
        yield chunk
