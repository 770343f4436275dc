import json

import pytest

from sandbox.host.configuration import expand, read_host_json, read_settings, seconds, time_zone
from sandbox.host.errors import HostError, UnknownToHost


@pytest.fixture
def host_json(tmp_path):
    def read(content, **environment):
        (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", **content}))
        return read_host_json(tmp_path, environment)

    return read


@pytest.mark.parametrize(
    ("text", "value"), [("00:00:00.100", 0.1), ("00:05:00", 300), ("1.02:00:00", 93_600), ("01:30", 5400)]
)
def test_a_time_span_is_read(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["5", "5s", "", "00:5:00", "-00:01:00"])
def test_what_is_no_time_span_is_refused(text):
    with pytest.raises(ValueError, match="time span"):
        seconds(text)


def test_the_defaults_are_the_real_hosts(host_json):
    queues = host_json({}).extensions.queues
    assert (queues.batch_size, queues.new_batch_threshold, queues.max_dequeue_count) == (16, 8, 5)
    assert (queues.max_polling_interval, queues.visibility_timeout) == (60, 0)
    assert (queues.message_encoding, host_json({}).function_timeout) == ("base64", 1800)


def test_half_of_a_given_batch_size_is_the_threshold(host_json):
    assert host_json({"extensions": {"queues": {"batchSize": 32}}}).extensions.queues.new_batch_threshold == 16


def test_settings_override_host_json_and_case_does_not_matter(host_json):
    content = {"extensions": {"Queues": {"batchSize": 4}, "http": {"routePrefix": ""}}}
    settings = host_json(content, AzureFunctionsJobHost__extensions__queues__BatchSize="8")
    assert (settings.extensions.queues.batch_size, settings.extensions.http.route_prefix) == (8, "")


def test_a_function_timeout_of_minus_one_is_none(host_json):
    assert host_json({"functionTimeout": "-1"}).function_timeout is None


@pytest.mark.parametrize(
    "content",
    [
        {"version": "1.0"},
        {"extensions": {"queues": {"batchSize": 33}}},
        {"extensions": {"queues": {"maxPollingInterval": "00:00:00.050"}}},
        {"extensions": {"queues": {"maxDequeueCount": 0}}},
        {"functionTimeout": "soon"},
    ],
)
def test_a_value_the_host_would_not_take_is_an_error(host_json, content):
    with pytest.raises(HostError, match=r"host\.json"):
        host_json(content)


@pytest.mark.parametrize("content", [{"singleton": {}}, {"extensions": {"serviceBus": {}}}, {"retry": {}}])
def test_a_key_that_is_not_imitated_is_refused(host_json, content):
    with pytest.raises(UnknownToHost):
        host_json(content)


def test_a_broken_host_json_is_named(tmp_path):
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(HostError, match=r"host\.json"):
        read_host_json(tmp_path, {})


@pytest.mark.parametrize("content", ['{"IsEncrypted": true}', '{"Values": {"A": 1}}', "{"])
def test_settings_that_can_not_be_read_are_an_error(tmp_path, content):
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(HostError, match=r"settings\.json"):
        read_settings(tmp_path / "settings.json")


def test_a_setting_is_filled_in_and_a_missing_one_is_named(monkeypatch):
    monkeypatch.setenv("LANE", "to-gp")
    assert expand("%LANE%-bulk", "f", "queueName") == "to-gp-bulk"
    with pytest.raises(HostError, match=r"function f.*NO_SUCH_SETTING.*queueName"):
        expand("%NO_SUCH_SETTING%", "f", "queueName")


def test_an_unknown_time_zone_is_an_error(monkeypatch):
    monkeypatch.setenv("WEBSITE_TIME_ZONE", "Eastern Standard Time")
    with pytest.raises(HostError, match="WEBSITE_TIME_ZONE"):
        time_zone()
