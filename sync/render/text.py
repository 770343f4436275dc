"""What all pictures share: values and moments as people read them, and nothing that a terminal would obey."""

from rich.markup import escape
from rich.table import Column, Table

from sync.errors import SyncError
from sync.value import Value, visible

REASONS = {
    "change_tracking": "seen by Change Tracking",
    "timestamp": "seen by its time stamp",
    "webhook": "told by a webhook of Dynamics 365",
    "delta": "seen by Dynamics 365's change tracking",
    "reread": "looked at with all others, as a feed's history was gone",
    "backfill": "looked at with all others, as a person asked",
    "match": "decided by a person in a match report",
    "restored": "looked at with all others, after GP was restored",
    "refreshed": "looked at with all others, after Dataverse was restored or copied",
    "sweep": "found by the sweep",
    "retry": "tried again by a person",
    "handed_over": "found by the other direction",
    "awaited": "a record that belongs to it waits for it",
    "id_changed": "found under its old id, which is gone from GP",
}


def plain_table(*titles: str | Column, title: str = "") -> Table:
    """A table without lines that cuts nothing off: what is too long goes on in the next line."""
    columns = [each if isinstance(each, Column) else Column(each, overflow="fold") for each in titles]
    return Table(*columns, title=title or None, title_justify="left", box=None, pad_edge=False)


def whole(title: str) -> Column:
    """A column that is never broken into lines: names that people copy."""
    return Column(title, no_wrap=True, overflow="fold")


def number(title: str) -> Column:
    """A column of counts."""
    return Column(title, justify="right", no_wrap=True)


def safe(text: str) -> str:
    """A text as it is: no markup, no control character."""
    return escape(visible(text))


def value_text(value: Value, hide: bool = False) -> str:
    """A value, masked when it must be hidden."""
    return "***" if hide else "–" if value is None else safe(str(value))


def is_told(*values: Value) -> bool:
    """Most fields of most records are empty on both sides: people are told their number only."""
    return any(value not in (None, "") for value in values)


def more_empty(count: int) -> list[str]:
    """The line that tells how many there are."""
    return [f"[dim]and {count} empty on both sides[/]"] if count else []


def moment(text: str) -> str:
    """A stored moment, to the second."""
    return text[:19].replace("T", " ")


def failure(error: SyncError) -> str:
    """What went wrong, what to do now, and the cause's code."""
    return f"[red]{escape(error.message)}[/]\n{escape(error.next_step)} [dim]({error.code})[/]"
