"""What people see in a terminal: nothing cut off, nothing hidden shown, nothing that the terminal would obey."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from sync.errors import Rejected
from sync.operations.parked import by_cause
from sync.operations.show import Shown, absence_of, last_writes
from sync.render import parked as render_parked
from sync.render import record as render_record
from sync.render.record import MANY
from sync.stores.couple import Agreed, Couple, Turns
from sync.stores.ledger import FieldChange, Line, Result
from sync.stores.parked import Parked

NOW = "2026-11-24T18:39:38.128887+00:00"
ENTRY = Parked("TWO", "customer", "BAD/2 É", "customer_gp_to_dataverse", "lookup_missing", "Why", "Next.", NOW, "m")
LINE = Line("A1", "customer_gp_to_dataverse", Result.CREATED, "", "change_tracking", NOW, NOW, "m")


def seen(what: RenderableType, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(what)
    assert all(len(line) <= width for line in capture.get().splitlines())
    return capture.get()


def shown(*lines: Line, secret: frozenset[str] = frozenset(), **base: Agreed) -> Shown:
    return Shown(Couple("TWO", "customer", "A1", "id", coupled=True, base=base), list(lines), [], secret)


@pytest.mark.parametrize("width", [80, 120])
def test_a_parked_record_can_be_copied_whole_with_its_cause_and_next_step(width: int) -> None:
    text = seen(render_parked.parked([ENTRY, replace(ENTRY, key="L" * 15, code="message_unreadable")]), width)
    for word in ("customer/TWO/BAD/2 É", "L" * 15, "message_unreadable", "2026-11-24 18:39", "Next."):
        assert word in text


def test_no_value_moves_the_cursor_or_styles_the_page() -> None:
    text = seen(render_parked.parked([replace(ENTRY, key="A\x07", message="[red]\x1b[2J")]))
    assert "A␇" in text
    assert "[red]␛[2J" in text


def test_what_is_empty_on_both_sides_is_counted_only() -> None:
    changes = tuple(FieldChange(name, None, value, "new record") for name, value in (("name", "Ann"), ("fax", None)))
    record = shown(replace(LINE, changes=changes), name=Agreed("Ann", "Ann"), fax=Agreed(None, None))
    text = seen(render_record.shown(record), width=120)
    assert "fax" not in text
    assert text.count("and 1 empty on both sides") == 2
    assert "seen by Change Tracking" in text


def test_a_record_that_was_not_found_once_says_when_that_counts() -> None:
    couple = Couple("TWO", "customer", "A1", "id", coupled=True, missing="gp", stored=datetime.fromisoformat(NOW))
    record = Shown(couple, [], [], frozenset(), absence=absence_of(couple, timedelta(minutes=10)))
    text = " ".join(seen(render_record.shown(record), width=160).split())
    assert "not found in GP at 2026-11-24 18:39:38 UTC; if it is missing still after 2026-11-24 18:49:38 UTC" in text
    assert render_record.shown_json(record)["missing"]["acts_after"].startswith("2026-11-24T18:49:38")
    assert absence_of(replace(couple, missing=None), timedelta()) is None


def test_a_field_that_goes_to_and_fro_between_both_sides_is_told_and_one_that_was_written_back_once_is_not() -> None:
    turns = {"name": Turns("gp", 5, NOW), "fax": Turns("d365", 1, NOW)}
    record = Shown(Couple("TWO", "customer", "A1", "id", coupled=True, turns=turns), [], [], frozenset())
    text = " ".join(seen(render_record.shown(record), width=160).split())
    assert (
        "name was written by each side after the other, 5 times since 2026-11-24 18:39:38 UTC; at 8 within a day"
        in text
    )
    assert "fax" not in text
    assert render_record.shown_json(record)["turns"] == {"name": {"side": "gp", "count": 5, "since": NOW}}


def test_of_many_values_written_at_once_the_first_few_are_told() -> None:
    changes = tuple(FieldChange(f"f{number}", None, "x", "new record") for number in range(MANY + 3))
    text = seen(render_record.shown(shown(replace(LINE, changes=changes))), width=120)
    assert f"f{MANY - 1}:" in text
    assert f"f{MANY}:" not in text
    assert "and 3 more" in text


def test_a_flag_that_is_off_and_an_amount_of_nothing_are_told() -> None:
    text = seen(
        render_record.shown(
            shown(hold=Agreed(0, False), limit=Agreed(None, 0), guess=Agreed(None, None, unsure="d365"))
        )
    )
    assert all(name in text for name in ("hold", "limit", "guess"))


def test_secret_values_are_masked() -> None:
    line = replace(LINE, changes=(FieldChange("fax", "hush", "hush2", "source changed"),))
    record = shown(line, secret=frozenset({"fax"}), fax=Agreed("hush", "hush"))
    assert "hush" not in seen(render_record.shown(record)) + str(render_record.shown_json(record))


def test_nothing_agreed_yet_is_a_sentence() -> None:
    assert "No values agreed yet." in seen(render_record.shown(shown()))


def test_what_could_not_be_sent_again_says_why() -> None:
    text = seen(
        render_parked.retried([ENTRY], [Rejected("Message 1234 is not one of ours.", code="message_unreadable")])
    )
    assert "1 sent again, 1 not" in text
    assert "Message 1234" in text
    assert "Nothing parked matches" in seen(render_parked.retried([], []))


def test_parked_records_are_told_by_cause_the_most_frequent_first() -> None:
    many = [replace(ENTRY, key=f"K{number}", since=f"2026-11-{number + 1:02}T00:00:00+00:00") for number in range(12)]
    groups = by_cause([replace(ENTRY, code="value_required"), *many])
    assert [(group.code, group.count, len(group.examples)) for group in groups] == [
        ("lookup_missing", 12, 3),
        ("value_required", 1, 1),
    ]
    text = seen(render_parked.causes(groups), 100)
    for word in ("12", "2026-11-01", "customer/TWO/K0", "→ Next.", "13 parked", "parked list --code lookup_missing"):
        assert word in text
    assert "K3" not in text
    assert "Nothing waits for a person." in seen(render_parked.causes([]))


def test_a_cause_of_another_version_is_told_in_its_own_words() -> None:
    assert "Why" in seen(render_parked.causes(by_cause([replace(ENTRY, code="no_longer_known")])))


def test_every_value_tells_when_it_was_last_written_and_by_which_rule() -> None:
    first = replace(
        LINE, changes=(FieldChange("name", None, "Ann", "new record"), FieldChange("fax", None, "1", "new"))
    )
    later = replace(
        LINE, result=Result.UPDATED, reason="backfill", done_at="2026-11-25T08:00:00+00:00",
        changes=(FieldChange("name", "Ann", "Anna", "source changed"),),
    )  # fmt: skip
    observed = replace(
        later, result=Result.OBSERVED, changes=(FieldChange("name", "Anna", "Annabel", "source changed"),)
    )
    written = last_writes([observed, later, first])
    assert {name: each.change.new for name, each in written.items()} == {"name": "Anna", "fax": "1"}
    record = replace(shown(later, first, name=Agreed("Anna", "Anna"), old=Agreed("x", "x")), written=written)
    text = " ".join(seen(render_record.shown(record), 140).split())
    assert "2026-11-25 08:00 Ann source changed, backfill" in text
    assert "not in the last three months" in text
    fields = render_record.shown_json(record)["fields"]
    assert (fields["name"]["old"], fields["name"]["rule"]) == ("Ann", "source changed")
    hidden = replace(record, secret=frozenset({"name"}))
    assert render_record.shown_json(hidden)["fields"]["name"]["new"] == "***"
    assert "Anna" not in seen(render_record.shown(hidden), 140)
