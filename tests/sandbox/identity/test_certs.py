from sandbox.identity.certs import ensure
from sandbox.identity.registry import Registry


def test_certificates_are_made_once_and_reused(tmp_path):
    first = ensure(tmp_path)
    kept = first.cert_file.read_bytes()
    assert ensure(tmp_path) == first
    assert first.cert_file.read_bytes() == kept


def test_a_lost_key_makes_all_of_them_again(tmp_path):
    first = ensure(tmp_path)
    kept = first.ca_file.read_bytes()
    first.key_file.unlink()
    assert ensure(tmp_path).ca_file.read_bytes() != kept


def test_the_tenant_is_the_same_after_a_restart(tmp_path):
    first = Registry(tmp_path)
    first.add_resource("https://localhost:1")
    second = Registry(tmp_path)
    assert second.tenant() == first.tenant()
    assert second.tenant().resource("HTTPS://LOCALHOST:1/") == "https://localhost:1"
