import json
from datetime import timedelta

import pytest

from sandbox.host import functions, protos
from sandbox.host.errors import HostError, UnknownToHost
from sandbox.host.functions import Retry

types = protos.load()
TRIGGER = {"type": "queueTrigger", "name": "msg", "queueName": "orders", "connection": "AzureWebJobsStorage"}


def read(*bindings, **more):
    raw = [json.dumps(binding) for binding in bindings]
    return functions.read(types.RpcFunctionMetadata(name="take", function_id="1", raw_bindings=raw, **more))


def test_settings_are_filled_in_and_queue_names_put_in_lower_case(monkeypatch):
    monkeypatch.setenv("LANE", "To-GP")
    assert read(TRIGGER | {"queueName": "%LANE%-Bulk"}).trigger["queueName"] == "to-gp-bulk"


@pytest.mark.parametrize("name", ["ab", "x" * 64, "under_score", "-lane", "lane-", "to--gp"])
def test_what_is_no_queue_name_is_an_error_that_names_the_function(name):
    with pytest.raises(HostError, match=r"function take.*no queue name"):
        read(TRIGGER | {"queueName": name})


@pytest.mark.parametrize(
    "binding",
    [{"type": "blobTrigger", "name": "b"}, TRIGGER | {"queueName": "{name}"}],
)
def test_a_binding_that_is_not_imitated_is_refused(binding):
    with pytest.raises(UnknownToHost, match="function take"):
        read(binding)


def test_a_retry_policy_of_a_timer_is_read_and_of_others_refused():
    policy = types.RpcRetryOptions(max_retry_count=3, delay_interval=timedelta(seconds=5), retry_strategy="fixed_delay")
    timer = {"type": "timerTrigger", "name": "timer", "schedule": "0 * * * * *"}
    assert read(timer, retry_options=policy).retry == Retry(3, False, 5, 5)
    with pytest.raises(UnknownToHost, match="retry policy"):
        read(TRIGGER, retry_options=policy)


@pytest.mark.parametrize(("setting", "connection"), [("AzureWebJobsX", "X"), ("X", "X"), ("AzureWebJobsStorage", "")])
def test_a_connection_is_found_with_and_without_its_prefix(monkeypatch, setting, connection):
    monkeypatch.setenv(setting, "text")
    assert functions.connection_string({"connection": connection}, "take") == "text"


def test_a_missing_connection_is_named_with_its_function():
    with pytest.raises(HostError, match=r"function take.*NoSuchStorage"):
        functions.connection_string({"connection": "NoSuchStorage"}, "take")


def test_an_identity_based_connection_is_refused(monkeypatch):
    monkeypatch.setenv("Lanes__queueServiceUri", "https://example.invalid")
    with pytest.raises(UnknownToHost, match="identity-based"):
        functions.connection_string({"connection": "Lanes"}, "take")
