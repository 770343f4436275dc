"""Writes by eConnect, through pymssql: what lands, what is refused, and that a failure touches nothing else."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.door import Fault
from sync.errors import BadSettings, Rejected, RetryLater
from sync.system import Outcome
from sync.systems.gp.client import GpClient
from sync.systems.gp.marks import stored_mark
from sync.systems.gp.records import WRITES, GpRecords
from tests.sandbox.gp.records import World

ALL = {"CUSTNAME": "Café Genève", "bill_to.CITY": "Boone", "ship_to.CITY": "Hobart", "internet.INET1": "new@x.example"}


async def test_a_customer_its_addresses_and_its_mail_are_one_round_trip(world: World) -> None:
    write, before = await world.update(ALL), world.client.round_trips
    [verdict] = await world.write(write)
    assert world.client.round_trips == before + 1
    assert (verdict.outcome, verdict.error) == (Outcome.WRITTEN, None)
    assert verdict.kept == await world.look()
    assert {path: verdict.kept.values[path] for path in ALL} == ALL


async def test_the_mark_is_on_the_customer_and_on_each_address_written(world: World) -> None:
    write = await world.update({"bill_to.CITY": "Boone"})
    [verdict] = await world.write(write)
    assert verdict.kept.mark == write.mark
    stored = stored_mark(write.mark)
    assert world.stored("INTEGRATIONID") == (stored,)
    marks = world.sql(f"SELECT ADRSCODE, INTEGRATIONID FROM RM00102 WHERE CUSTNMBR = '{world.key}' ORDER BY 1")
    assert marks == [("BILLING", stored), ("PRIMARY", ""), ("WAREHOUSE", "")]


async def test_a_write_without_values_sets_the_mark_alone(world: World) -> None:
    before = await world.look()
    write = await world.update({}, seen=None)
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.WRITTEN
    assert verdict.kept.mark == write.mark
    assert verdict.kept.values == before.values


async def test_what_is_not_written_stays_as_it_was(world: World) -> None:
    columns = "PYMTRMID, CRLMTTYP, CRLMTAMT, PHONE1, CITY, PRBTADCD, PRSTADCD, ADRSCODE, NOTEINDX"
    before = world.stored(columns), world.stored("*", "RM00102", "AND ADRSCODE = 'WAREHOUSE'")
    await world.write(await world.update({"CUSTNAME": "Other", "bill_to.CITY": "Boone"}))
    assert (world.stored(columns), world.stored("*", "RM00102", "AND ADRSCODE = 'WAREHOUSE'")) == before
    assert world.stored("CITY, ADDRESS2", "RM00102", "AND ADRSCODE = 'BILLING'") == ("Boone", "Floor 2")


async def test_what_other_programs_keep_on_the_customer_stays(world: World) -> None:
    await world.write(await world.update({"CUSTNAME": "Other"}))
    assert world.stored("GPSFOINTEGRATIONID, INTEGRATIONSOURCE") == ("front office 7", 3)


async def test_one_mail_address_written_leaves_all_others(world: World) -> None:
    columns = (
        "INET2, INET3, INET8, Messenger_Address, CAST(INETINFO AS varchar(max)), CAST(EmailToAddress AS varchar(max)), "
        "CAST(EmailCcAddress AS varchar(max)), CAST(EmailBccAddress AS varchar(max))"
    )
    before = world.stored(columns, "SY01200")
    assert before[4] == "line 1\r\nline 2 'quoted'"
    await world.write(await world.update({"internet.INET1": "new@x.example"}))
    assert world.stored(columns, "SY01200") == before
    assert world.stored("INET1", "SY01200") == ("new@x.example",)


async def test_numbers_money_and_blanks_are_written(world: World) -> None:
    values = {"HOLD": 1, "CRLMTTYP": 2, "CRLMTAMT": Decimal("2500.50"), "PHONE1": "", "bill_to.ADDRESS2": ""}
    [verdict] = await world.write(await world.update(values))
    assert {path: verdict.kept.values[path] for path in values} == values


async def test_the_main_address_follows_the_customers_own_columns_as_in_gps_windows(world: World) -> None:
    await world.write(await world.update({"PHONE1": "41455501020000"}))
    assert world.stored("PHONE1") == ("41455501020000",)
    assert world.stored("PHONE1, CITY", "RM00102", "AND ADRSCODE = 'PRIMARY'") == ("41455501020000", "Chicago")


# What it was decided on -------------------------------------------------------------------------


def _moved(value: object) -> str:
    match value:
        case str():
            return "'moved'" if value else "'filled'"
        case int() | Decimal():
            return "1" if value == 0 else "0"
        case date() | None:
            return "'2027-04-12'"
    raise TypeError(value)


TABLES = {
    "": "RM00101 WHERE CUSTNMBR = '{key}'",
    "bill_to": "RM00102 WHERE CUSTNMBR = '{key}' AND ADRSCODE = 'BILLING'",
    "ship_to": "RM00102 WHERE CUSTNMBR = '{key}' AND ADRSCODE = 'WAREHOUSE'",
    "internet": "SY01200 WHERE Master_ID = '{key}'",
}
KEYS = {"CUSTNMBR", "ADRSCODE", "internet.Master_ID"} | {
    f"{alias}.{key}" for alias in ("bill_to", "ship_to", "internet") for key in ("CUSTNMBR", "ADRSCODE")
}


async def test_a_change_of_any_column_that_was_read_stops_the_write_whatever_the_stamp(world: World) -> None:
    for path in sorted(set(world.mapping.gp.paths) - KEYS):
        write = await world.update({"FAX": path.rjust(21, ".")[:21]})
        alias, _, column = path.rpartition(".")
        of = TABLES[alias].format(key=world.key)
        table, where = of.split(" WHERE ")
        world.sql(f"UPDATE {table} SET {column} = {_moved(write.seen.values[path])} WHERE {where}")
        now = await world.look()
        write = replace(write, seen=replace(write.seen, version=now.version))
        [verdict] = await world.write(write)
        assert verdict.outcome is Outcome.CHANGED, path
        assert await world.look() == now, path


async def test_a_change_of_the_stamp_alone_stops_the_write(world: World) -> None:
    write = await world.update({"CUSTNAME": "Other"})
    world.sql(f"UPDATE RM00101 SET COMMENT1 = 'not mapped' WHERE CUSTNMBR = '{world.key}'")
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.CHANGED
    assert world.stored("CUSTNAME") == ("Café Zürich",)


@pytest.mark.parametrize("change", ["'café zürich'", "'Cafe Zurich'", "' Café Zürich'"])
async def test_case_accents_and_leading_blanks_count(world: World, change: str) -> None:
    write = await world.update({"FAX": "1"})
    world.sql(f"UPDATE RM00101 SET CUSTNAME = {change} WHERE CUSTNMBR = '{world.key}'")
    write = replace(write, seen=replace(write.seen, version=(await world.look()).version))
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.CHANGED


@pytest.mark.parametrize("alias", ["bill_to", "ship_to", "internet"])
async def test_a_joined_row_that_came_or_went_stops_the_write(world: World, alias: str) -> None:
    for present in (True, False):
        write = await world.update({"CUSTNAME": "Other"})
        table, where = TABLES[alias].format(key=world.key).split(" WHERE ")
        if present:
            world.sql(f"DELETE FROM {table} WHERE {where}")
        else:
            world.make()
        write = replace(write, seen=replace(write.seen, version=(await world.look()).version))
        [verdict] = await world.write(write)
        assert verdict.outcome is Outcome.CHANGED


async def test_a_record_that_holds_what_sql_would_misread_is_compared_all_the_same(world: World) -> None:
    world.sql(
        "UPDATE RM00101 SET CUSTNAME = 'back\\' + CHAR(10) + 'slash', CITY = '100% %s ''q''' "
        f"WHERE CUSTNMBR = '{world.key}'"
    )
    write = await world.update({"FAX": "1"})
    assert write.seen.values["CUSTNAME"] == "back\\\nslash"
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.WRITTEN


async def test_a_customer_that_is_gone_is_not_made_again(world: World) -> None:
    write = await world.update({"CUSTNAME": "Other"})
    world.sql(f"DELETE FROM RM00101 WHERE CUSTNMBR = '{world.key}'")
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.GONE
    assert world.sql(f"SELECT 1 FROM RM00101 WHERE CUSTNMBR = '{world.key}'") == []


async def test_nothing_is_written_after_its_time(world: World) -> None:
    write = await world.update({"CUSTNAME": "Late"})
    write = replace(write, not_after=write.not_after - timedelta(minutes=2))
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.CHANGED
    assert world.stored("CUSTNAME") == ("Café Zürich",)


async def test_a_write_whose_time_runs_out_on_the_way_is_undone(world: World) -> None:
    write = await world.update({"CUSTNAME": "Late"})
    write = replace(write, not_after=write.not_after - timedelta(minutes=1) + timedelta(seconds=1))
    world.gp.server.door.faults.add(Fault(at="sql.procedure", match="taUpdateCreate", do="delay", seconds=1.5))
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.CHANGED
    assert world.stored("CUSTNAME") == ("Café Zürich",)


async def test_a_write_that_does_not_say_what_was_seen_is_a_mistake(world: World) -> None:
    write = await world.update({"CUSTNAME": "x"}, seen=None, version="")
    with pytest.raises(ValueError, match="what was seen"):
        await world.write(write)


# Refusals ---------------------------------------------------------------------------------------


async def test_a_refused_record_leaves_nothing_behind_and_the_others_are_written(world: World) -> None:
    keys = [world.new_key() for _ in range(3)]
    writes = [
        world.create(keys[0], {}),
        world.create(keys[1], {"PYMTRMID": "Nett 31", "bill_to.CITY": "Ames"}),
        world.create(keys[2], {}),
    ]
    verdicts = await world.write(*writes)
    assert [each.outcome for each in verdicts] == [Outcome.WRITTEN, Outcome.FAILED, Outcome.WRITTEN]
    error = verdicts[1].error
    assert isinstance(error, Rejected)
    assert (error.code, error.system, error.entity, error.key) == ("not_set_up_in_gp", "gp", "customer", keys[1])
    assert "payment terms (error 5421)" in error.message
    for table in ("RM00101", "RM00102", "RM00103"):
        assert world.sql(f"SELECT 1 FROM {table} WHERE CUSTNMBR = '{keys[1]}'") == []


async def test_an_address_that_is_refused_undoes_its_customer(world: World) -> None:
    body = "SELECT @O_iErrorState = 60001, @oErrString = '60001'"
    with world.customised("address", "Post", body):
        [verdict] = await world.write(await world.update({"CUSTNAME": "Other", "bill_to.CITY": "Boone"}))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.error.code == "refused_by_customisation"
    assert world.stored("CUSTNAME, INTEGRATIONID") == ("Café Zürich", "")


async def test_a_customisations_own_number_is_told_in_its_own_words(world: World) -> None:
    world.sql(
        "INSERT INTO DYNAMICS..taErrorCode (ErrorCode, SourceProc, ErrorDesc) "
        "VALUES (60001, 'ours', 'No customers on Fridays')"
    )
    body = "SELECT @O_iErrorState = 60001, @oErrString = '60001'"
    with world.customised("customer", "Pre", body):
        [verdict] = await world.write(await world.update({"CUSTNAME": "Other"}))
    world.sql("DELETE FROM DYNAMICS..taErrorCode WHERE ErrorCode = 60001")
    assert "No customers on Fridays (error 60001 of a customisation)" in verdict.error.message


async def test_what_a_customisation_makes_of_a_value_is_what_was_kept(world: World) -> None:
    with world.customised("customer", "Post", _SHOUTS):
        [verdict] = await world.write(await world.update({"CUSTNAME": "Other"}))
    assert verdict.kept.values["CUSTNAME"] == "OTHER"
    assert verdict.kept == await world.look()


_SHOUTS = "UPDATE RM00101 SET CUSTNAME = UPPER(CUSTNAME) WHERE CUSTNMBR = @I_vCUSTNMBR"


async def test_what_a_customisation_selects_is_not_taken_for_an_answer(world: World) -> None:
    with world.customised("internet", "Post", "SELECT 1 AS outcome, 'written' AS gp365; SELECT * FROM RM00103"):
        [verdict] = await world.write(await world.update(ALL))
    assert verdict.outcome is Outcome.WRITTEN
    assert verdict.kept == await world.look()


@pytest.mark.parametrize(
    "body",
    [
        "RAISERROR('not today', 16, 1)",
        "ROLLBACK",
        "BEGIN TRAN",
        "DECLARE @n int; SET @n = 1 / 0",
        "INSERT INTO RM00103 (CUSTNMBR) VALUES (@I_vCUSTNMBR)",
    ],
)
async def test_a_customisation_that_fails_or_meddles_with_the_transaction_is_a_refusal(world: World, body: str) -> None:
    other = world.create(world.new_key(), {})
    with world.customised("address", "Post", body):
        verdicts = await world.write(await world.update({"CUSTNAME": "Other", "bill_to.CITY": "Boone"}), other)
    assert verdicts[0].outcome is Outcome.FAILED
    assert isinstance(verdicts[0].error, Rejected)
    assert world.stored("CUSTNAME") == ("Café Zürich",)


async def test_a_customisation_that_commits_by_itself_leaves_an_open_question(world: World) -> None:
    write = await world.update({"CUSTNAME": "Other"})
    with world.customised("customer", "Post", "COMMIT"):
        [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.FAILED
    assert isinstance(verdict.error, RetryLater)
    assert (await world.look()).mark == write.mark


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("CUSTNAME", "x" * 65, "value_too_long"),
        ("bill_to.ZIP", "12345678901", "value_too_long"),
        ("internet.INET1", "x" * 201, "value_too_long"),
        ("CUSTNAME", "Łódź", "character_unknown"),
        ("CUSTNAME", "a\0b", "control_character"),
        ("CUSTNAME", "a\\\nb", "control_character"),
        ("CRLMTAMT", Decimal("1.000001"), "value_invalid"),
        ("HOLD", 300, "value_invalid"),
        ("NOTEINDX", Decimal(1), "not_writable"),
        ("RMARACC", 1, "not_writable"),
        ("CUSTNMBR", "OTHER", "not_writable"),
        ("bill_to.ADRSCODE", "OTHER", "not_writable"),
    ],
)
async def test_what_gp_would_cut_or_misread_is_refused_before_it_is_called(
    world: World, path: str, value: object, code: str
) -> None:
    write = await world.update({path: value, "FAX": "1"})
    other, before = world.create(world.new_key(), {}), world.client.round_trips
    verdicts = await world.write(write, other)
    assert [each.outcome for each in verdicts] == [Outcome.FAILED, Outcome.WRITTEN]
    assert verdicts[0].error.code == code
    assert path.rpartition(".")[2] in verdicts[0].error.message
    assert world.client.round_trips == before + 1


async def test_an_amount_with_more_decimals_than_the_currency_is_refused_not_rounded(world: World) -> None:
    [verdict] = await world.write(await world.update({"CRLMTAMT": Decimal("10.005")}))
    assert verdict.error.code == "value_invalid"
    assert world.stored("CRLMTAMT") == (Decimal(1500),)


async def test_a_shipping_method_that_gp_does_not_know_is_refused_not_set_up(world: World) -> None:
    typo, known = await world.update({"SHIPMTHD": "GRUOND"}), world.create(world.new_key(), {"SHIPMTHD": "ground"})
    world.sql(
        "IF NOT EXISTS (SELECT 1 FROM SY03000 WHERE SHIPMTHD = 'GROUND') INSERT INTO SY03000 (SHIPMTHD) VALUES ('GROUND')"
    )
    verdicts = await world.write(typo, known)
    assert [each.outcome for each in verdicts] == [Outcome.FAILED, Outcome.WRITTEN]
    assert verdicts[0].error.code == "not_set_up_in_gp"
    assert world.sql("SELECT 1 FROM SY03000 WHERE SHIPMTHD = 'GRUOND'") == []


async def test_a_login_without_the_right_to_execute_is_told_so(gp, world: World) -> None:
    write = await world.update({"CUSTNAME": "Other"}, seen=None)
    reader = World(gp, "reader")
    verdicts = await GpRecords(GpClient(reader.settings)).write("TWO", world.mapping, [write])
    assert verdicts[0].outcome in {Outcome.REFUSED, Outcome.FAILED}
    assert isinstance(verdicts[0].error, BadSettings)
    assert verdicts[0].error.code == "right_missing"


async def test_many_writes_are_few_round_trips(world: World) -> None:
    writes = [world.create(world.new_key(), {"bill_to.CITY": "Ames"}) for _ in range(WRITES + 1)]
    before = world.client.round_trips
    verdicts = await world.write(*writes)
    assert world.client.round_trips == before + 2
    assert [(each.id, each.outcome) for each in verdicts] == [(each.id, Outcome.WRITTEN) for each in writes]
    assert all(each.kept.mark == write.mark for each, write in zip(verdicts, writes, strict=True))


async def test_a_text_beyond_a_literals_usual_length_lands_whole(world: World) -> None:
    long = "O'Neil 100% %s \\ é " * 250
    [verdict] = await world.write(await world.update({"internet.INETINFO": long}))
    assert verdict.outcome is Outcome.WRITTEN
    assert world.stored("CAST(INETINFO AS varchar(max))", "SY01200") == (long.rstrip(),)


HOSTILE = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), max_size=60)
SAMPLES = ["'; DROP TABLE RM00101 --", "%s %d %% 100%", "N'x''y", "[a] $(x) @y", "/* */ --", "trailing\\", "€’ü\xa0"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTILE | st.sampled_from(SAMPLES), HOSTILE | st.sampled_from(SAMPLES))
async def test_any_text_lands_to_the_letter(world: World, name: str, street: str) -> None:
    values = {"CUSTNAME": name, "bill_to.ADDRESS1": street, "internet.INET2": street}
    [verdict] = await world.write(await world.update(values))
    assert verdict.outcome is Outcome.WRITTEN
    assert {path: verdict.kept.values[path] for path in values} == {
        path: text.rstrip(" ") for path, text in values.items()
    }
