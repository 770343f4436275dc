"""Microsoft's Dataverse SDK on the same work: UpsertMultiple by alternate key.

`python -m bench.sdk FILE SIZE` with the app's settings in the environment; FILE as for `bench.per_record`, SIZE rows a
request. Prints one JSON object.
"""

import json
import os
import resource
import sys
import time
from itertools import batched
from pathlib import Path

from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.models.upsert import UpsertItem


def main() -> None:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    environment = os.environ
    # The SDK speaks through requests, which knows a certificate authority by this variable alone.
    environment["REQUESTS_CA_BUNDLE"] = environment["GP365_CA_FILE"]
    authority, tenant = environment["GP365_AUTHORITY"].rsplit("/", 1)
    credential = ClientSecretCredential(
        tenant,
        environment["GP365_CLIENT_ID"],
        environment["GP365_CLIENT_SECRET"],
        authority=authority,
        disable_instance_discovery=True,
        connection_verify=environment["GP365_CA_FILE"],
    )
    with DataverseClient(environment["GP365_DATAVERSE_URL"], credential) as dataverse:
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        for some in batched(rows, int(sys.argv[2]), strict=False):
            items = [UpsertItem(alternate_key={"gp365_key": row["key"]}, record=row["body"]) for row in some]
            dataverse.records.upsert("account", items)
        after = resource.getrusage(resource.RUSAGE_SELF)
        seconds = time.monotonic() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    main()
