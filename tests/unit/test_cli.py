"""The operator's commands: wrong usage is said in words, before anything is asked of any system."""

import pytest
from typer.testing import CliRunner

from sync.cli.app import app
from tests.unit.test_settings import GOOD


@pytest.fixture(autouse=True)
def good_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["poll", "--company", "nine"], "none of the companies in GP365_COMPANIES (TWO, THREE)"),
        (["parked", "list", "--company", "NINE"], "none of the companies in GP365_COMPANIES (TWO, THREE)"),
        (["parked", "retry", "--code", "lookup_mising"], "lookup_mising is no cause"),
        (["parked", "discard", "--why", "x"], "say which: --company, --record or --code"),
        (
            ["describe", "no_such_flow"],
            "there are address_dataverse_to_gp, address_gp_to_dataverse, contact_gp_to_dataverse",
        ),
        (["backfill"], "--company"),
        (["backfill", "--company", "NINE"], "none of the companies in GP365_COMPANIES (TWO, THREE)"),
        (["backfill", "--company", "TWO", "--flow", "nine"], "nine is no flow from GP; there are customer_gp_to"),
        (["backfill", "--company", "TWO", "--field", "no_such"], "customer.yaml maps no field no_such"),
        (["match", "--pair", "vendor", "--company", "TWO"], "vendor is no pair; there are customer"),
        (["match"], "say which company: --company TWO|THREE"),
        (["match", "--company", "TWO", "--out", "report.pdf"], "a report is a .xlsx or a .csv"),
        (["no_such_command"], "No such command"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_2(command: list[str], said: str) -> None:
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_a_backfill_that_is_interrupted_says_how_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sync.operations.backfill.begin", interrupted)
    done = CliRunner().invoke(app, ["backfill", "--company", "TWO"])
    assert done.exit_code == 130
    assert "The same command goes on where it stopped" in done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_wrong_setting_is_a_sentence_and_ends_with_3(monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "hidden-garbage")
    done = CliRunner().invoke(app, ["parked", "list", *options])
    assert done.exit_code == 3
    told = done.stdout if options else done.stderr
    assert "AzureWebJobsStorage" in told
    assert "hidden" not in done.output


@pytest.mark.parametrize("record", ["AARONFIT0001", "NINE/AARONFIT0001", "vendor/TWO/AARONFIT0001"])
def test_a_record_that_can_not_be_meant_is_told_how_to_be_written(record: str) -> None:
    done = CliRunner().invoke(app, ["show", record])
    assert done.exit_code == 1
    assert "write PAIR/COMPANY/ID, such as customer/TWO/AARONFIT0001" in " ".join(done.stderr.split())
