"""The rival: a fixed client that looks each record up and then writes it, kept-alive, in 8 threads, without storage.

`python -m bench.per_record FILE` with the app's settings in the environment; FILE holds one JSON object a line,
`{"key", "body"}`. Prints one JSON object.
"""

import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msal

API = "/api/data/v9.2"
THREADS = 8


def main() -> None:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    with client() as dataverse, ThreadPoolExecutor(THREADS) as threads:
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        requests = sum(threads.map(lambda row: copy(dataverse, row["key"], row["body"]), rows))
        after = resource.getrusage(resource.RUSAGE_SELF)
        seconds = time.monotonic() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "dataverse_requests": requests}))


def client() -> httpx.Client:
    environment = os.environ
    app = msal.ConfidentialClientApplication(
        environment["GP365_CLIENT_ID"],
        client_credential=environment["GP365_CLIENT_SECRET"],
        authority=environment["GP365_AUTHORITY"],
        instance_discovery=False,
        verify=environment["GP365_CA_FILE"],
    )
    url = environment["GP365_DATAVERSE_URL"]
    token = app.acquire_token_for_client([f"{url}/.default"])["access_token"]
    headers = {"Authorization": f"Bearer {token}", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
    return httpx.Client(base_url=url + API, headers=headers, verify=environment["GP365_CA_FILE"], timeout=120)


def copy(dataverse: httpx.Client, key: str, body: dict[str, object]) -> int:
    """Look one account up by its key and write it; the requests that took."""
    found = dataverse.get(f"/accounts(gp365_key='{key}')?$select=accountid")
    if found.status_code == 404:
        dataverse.post("/accounts", json=body | {"gp365_key": key}).raise_for_status()
    else:
        dataverse.patch(f"/accounts({found.raise_for_status().json()['accountid']})", json=body).raise_for_status()
    return 2


if __name__ == "__main__":
    main()
