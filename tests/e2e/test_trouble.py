"""Trouble that is not the record's: each is said in words, loses nothing, and is over when its cause is."""

import re
from collections.abc import AsyncIterator

import pytest

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from sync.delivery import DEATHS
from sync.message import Message
from tests.e2e.steps import accounts, door, fault, gp_of, new_id, parked, put_on_lane, seen, sql, type_customer


@pytest.fixture(autouse=True)
async def no_fault_is_left(box: Sandbox) -> AsyncIterator[None]:
    yield
    for part in ("dataverse", "gp", "host"):
        await door(box, part, "DELETE", "/faults")


async def not_well(box: Sandbox, **settings: str) -> str:
    """What `doctor` says of what is not well."""
    status, out, err = await box.cli("doctor", "--json", **settings)
    assert status == 1, out + err
    return "\n".join(line for line in out.splitlines() if '"ok": false' in line)


async def test_dataverse_stopped_is_said_and_loses_nothing(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await box.stop("dataverse")
    try:
        await type_customer(box, number)
        assert "did not answer" in await not_well(box)
        assert await parked(box, number) == []
    finally:
        await box.start("dataverse")
    await seen(dataverse, number)


@pytest.mark.parametrize(
    "trouble",
    [
        {"do": "error", "code": 429, "seconds": 1, "times": 3},
        {"do": "error", "code": 503, "times": 2},
        {"do": "error", "code": 500, "times": 2},
        {"do": "delay", "seconds": 0.5, "times": 2},
    ],
    ids=["429", "503", "500", "slow"],
)
@pytest.mark.parametrize("seam", ["dataverse.before", "dataverse.after"])
async def test_dataverse_in_trouble_makes_no_second_account_and_parks_nothing(
    box: Sandbox, dataverse: DataverseUser, seam: str, trouble: dict[str, object]
) -> None:
    number = new_id()
    await fault(box, "dataverse", at=seam, match=r"\$batch", **trouble)
    await type_customer(box, number)
    await seen(dataverse, number)
    assert await parked(box, number) == []


@pytest.mark.parametrize(
    "trouble",
    [
        {"at": "sql.statement", "match": "RM00101", "do": "error", "code": 1205},
        {"at": "sql.statement", "match": "RM00101", "do": "error", "code": 1222},
        {"at": "tds.request", "match": "RM00101", "do": "drop"},
    ],
    ids=["deadlock", "lock time-out", "cut"],
)
async def test_gp_in_trouble_loses_nothing(box: Sandbox, dataverse: DataverseUser, trouble: dict[str, object]) -> None:
    number = new_id()
    await type_customer(box, number)
    await fault(box, "gp", times=3, **trouble)
    await gp_of(box).type_in("taUpdateCreateCustomerRcd", CUSTNMBR=number, CUSTNAME="After trouble")
    await seen(dataverse, number, name="After trouble")
    assert await parked(box, number) == []


async def test_queues_that_do_not_answer_are_said_in_one_line(box: Sandbox) -> None:
    connection = re.sub(r"(?<=QueueEndpoint=http://127.0.0.1:)\d+", "1", box.contract["storage"]["connection_string"])
    said = await not_well(box, AzureWebJobsStorage=connection)
    assert said.count("\n") == 0
    assert "Azure Queue Storage did not answer" in said


async def test_an_expired_secret_is_said_and_the_records_wait(box: Sandbox) -> None:
    await door(box, "identity", "POST", "/secrets/expire")
    said = await not_well(box)
    assert "expired" in said
    assert "Renew the password or secret" in said
    renewed = await door(box, "identity", "POST", "/secrets")
    await box.restart("identity")
    assert box.contract["dataverse"]["client_secret"] == renewed["client_secret"]
    assert await app(box, "doctor")
    await box.restart("host")


async def test_a_missing_right_in_gp_is_named(box: Sandbox) -> None:
    said = await not_well(
        box, GP365_GP_USER="reader", GP365_GP_PASSWORD=box.ready["gp"]["reader_password"], GP365_COMPANIES="TWO"
    )
    assert "RM00102" in said
    assert "GRANT SELECT" in said


async def test_a_missing_right_in_dataverse_is_named_and_the_records_wait(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    await door(box, "dataverse", "PUT", "/privileges", lacks=["prvCreateAccount"])
    try:
        await type_customer(box, number)
        await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Still waiting' WHERE CUSTNMBR = '{number}'")
        assert await accounts(dataverse, number) == []
    finally:
        await door(box, "dataverse", "PUT", "/privileges", lacks=[])
    await seen(dataverse, number, name="Still waiting")
    assert await parked(box, number) == []


async def test_a_missing_column_in_dataverse_is_named(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> None:
    overlays = tmp_path_factory.mktemp("overlays")
    (overlays / "customer.yaml").write_text(
        "dataverse:\n  columns:\n    gp365_extra: {type: String, maxLength: 31, label: Extra}\n"
        "fields:\n  - {gp: COMMENT1, dataverse: gp365_extra}\n"
    )
    said = await not_well(box, GP365_OVERLAYS=str(overlays))
    assert "gp365_extra" in said
    assert "provision" in said


async def test_a_mapping_with_a_typo_keeps_the_app_from_starting_and_says_where(
    box: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    overlays = tmp_path_factory.mktemp("typo")
    (overlays / "customer.yaml").write_text("fields:\n  - {gp: CUSTNAM, dataverse: name}\n")
    status, out, err = await box.cli("doctor", GP365_OVERLAYS=str(overlays))
    assert status == 3
    assert "customer.yaml" in " ".join((out + err).split())
    assert "CUSTNAME" in out + err


async def test_a_company_whose_history_was_cleaned_is_read_again(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await box.stop("host")
    await type_customer(box, number)
    await door(box, "gp", "POST", "/change-tracking/clean", database="TWO")
    await box.start("host")
    await seen(dataverse, number)


async def test_change_tracking_switched_off_falls_back_to_the_timestamp(box: Sandbox, dataverse: DataverseUser) -> None:
    await door(box, "gp", "POST", "/change-tracking", database="TWO", table="RM00101", enabled=False)
    try:
        number = new_id()
        await type_customer(box, number)
        await seen(dataverse, number)
    finally:
        await door(box, "gp", "POST", "/change-tracking", database="TWO", table="RM00101", enabled=True)


async def test_a_record_whose_worker_died_beside_another_is_worked(box: Sandbox, dataverse: DataverseUser) -> None:
    number = new_id()
    await fault(box, "host", at="host.invoke.before", match=f"^to_dataverse .*{number}", do="error", times=2)
    await type_customer(box, number)
    await until(lambda: accounts(dataverse, number), bool, f"account {number}", seconds=300)
    assert await parked(box, number) == []


async def test_a_record_that_kills_its_worker_each_time_ends_parked_and_comes_back(
    box: Sandbox, dataverse: DataverseUser
) -> None:
    number = new_id()
    await type_customer(box, number)
    await seen(dataverse, number)
    await fault(box, "host", at="host.invoke.before", match=f"^to_dataverse .*{number}", do="error", times=5)
    message = Message.new("customer_gp_to_dataverse", "TWO", [number], "timestamp")
    await put_on_lane(box, message.model_copy(update={"deaths": DEATHS - 1}).to_json())
    [entry] = await until(lambda: parked(box, number), bool, f"{number} parked")
    assert entry["code"] == "worker_killed"
    await app(box, "parked", "retry", "--record", f"customer/TWO/{number}")
    await until(lambda: parked(box, number), lambda found: not found, f"{number} no longer parked")
