"""One listener at a time over all hosts of one host id, by a lease on a blob, as SingletonManager does it."""

import asyncio
import contextlib
import logging

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.blob.aio import BlobLeaseClient, ContainerClient

from sandbox.host.pace import Pace, first_of

PERIOD = 60.0
# The blob service gives no shorter lease, whatever the scale.
SHORTEST = 15
# Who waits for a lease that lasts as long need not ask many times a second, whatever the scale.
OFTEN = 2.0
log = logging.getLogger("host.lease")


class Lease:
    """The lock `name`, renewed at half its period while held; `lost` is set when a renewal fails."""

    def __init__(self, container: ContainerClient, name: str, pace: Pace) -> None:
        self.lost = asyncio.Event()
        self._blob = container.get_blob_client(name)
        self._name = name
        self._seconds = max(SHORTEST, round(pace.seconds(PERIOD)))
        self._retry = max(OFTEN, pace.seconds(PERIOD))
        self._lease = BlobLeaseClient(self._blob)
        self._renewal: asyncio.Task[None] | None = None

    async def acquire(self, stopping: asyncio.Event) -> bool:
        """Wait for the lock; False when `stopping` was set first."""
        while not stopping.is_set():
            try:
                await self._take()
            except HttpResponseError as error:
                if error.error_code != "LeaseAlreadyPresent":
                    log.warning("lock %s: %s", self._name, error)
            except AzureError as error:
                log.warning("lock %s: %s", self._name, error)
            else:
                return True
            await first_of(stopping, seconds=self._retry)
        return False

    async def release(self) -> None:
        if self._renewal:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
        with contextlib.suppress(AzureError):
            await self._lease.release()

    async def _take(self) -> None:
        with contextlib.suppress(ResourceExistsError):
            if not await self._blob.exists():
                await self._blob.upload_blob(b"", overwrite=False)
        self._lease = BlobLeaseClient(self._blob)
        await self._lease.acquire(lease_duration=self._seconds)
        self.lost.clear()
        self._renewal = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 2)
            try:
                await self._lease.renew()
            except AzureError as error:
                log.warning("lost the lock %s: %s", self._name, error)
                self.lost.set()
                return
