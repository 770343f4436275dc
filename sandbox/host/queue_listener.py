"""The queue trigger: one polling loop for each function, as the storage-queues extension does it.

Source: QueueListener and QueueProcessor of the storage-queues extension (azure-sdk-for-net, MIT).
"""

import asyncio
import logging
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from sandbox.host.configuration import Queues
from sandbox.host.functions import Function
from sandbox.host.invocations import Invocations
from sandbox.host.pace import Pace, first_of
from sandbox.host.queue_message import decode, metadata, payload
from sandbox.host.storage import put_message
from sandbox.host.worker import Answer

VISIBILITY = 600.0
SHORTEST_RENEWAL = 60.0
SHORTEST_POLL = 0.1
GONE = {"PopReceiptMismatch", "MessageNotFound", "QueueNotFound", "QueueBeingDeleted", "QueueDisabled"}
log = logging.getLogger("host.queues")


class QueueListener:
    """Polls `queue` for `function`; `poison` is None where the real host has no poison queue."""

    def __init__(
        self,
        *,
        function: Function,
        queue: QueueClient,
        poison: QueueClient | None,
        options: Queues,
        pace: Pace,
        invocations: Invocations,
        types: Any,
    ) -> None:
        self.queue_name = queue.queue_name
        self._function = function
        self._queue = queue
        self._poison = poison
        self._options = options
        self._pace = pace
        self._invocations = invocations
        self._types = types
        self._known_to_exist = False
        self._backoff = pace.looks(SHORTEST_POLL, options.max_polling_interval)
        self._stirred = asyncio.Event()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Poll at once: a function of this host has just written to the queue."""
        self._stirred.set()

    def stop(self) -> None:
        self._stopping = True
        self._stirred.set()

    async def run(self) -> None:
        """Poll until `stop`, then wait for the messages being worked."""
        while not self._stopping:
            if await self._poll():
                self._backoff.reset()
                await self._wait_for_room()
            else:
                await self._idle()
        if self._running:
            await asyncio.wait(self._running)

    async def _poll(self) -> bool:
        try:
            messages = await self._receive()
        except AzureError as error:
            self._known_to_exist = False
            log.warning("polling %s: %s", self.queue_name, str(error).partition("\n")[0])
            return False
        for message in messages:
            task = asyncio.create_task(self._work(message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(messages)

    async def _receive(self) -> list[QueueMessage]:
        if not self._known_to_exist:
            try:
                await self._queue.get_queue_properties()
            except ResourceNotFoundError:
                return []
            self._known_to_exist = True
        pages = self._queue.receive_messages(
            messages_per_page=self._options.batch_size, visibility_timeout=self._pace.whole(VISIBILITY)
        ).by_page()
        async for page in pages:
            return [message async for message in page]
        return []

    async def _wait_for_room(self) -> None:
        while len(self._running) > self._options.new_batch_threshold and not self._stopping:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(self._backoff.next()):
                await self._stirred.wait()
        except TimeoutError:
            return
        if not self._stopping:
            self._stirred.clear()

    async def _work(self, message: QueueMessage) -> None:
        try:
            if (message.dequeue_count or 0) > self._options.max_dequeue_count:
                return await self._to_poison(message)
            try:
                body = decode(message.content, self._options.message_encoding)
            except ValueError:
                log.warning("message %s of %s is no base64: poison", message.id, self.queue_name)
                return await self._to_poison(message)
            done = asyncio.Event()
            renewal = asyncio.create_task(self._renew(message, done))
            answer = await self._invoke(message, body)
            done.set()
            await renewal
            await self._complete(message, answer)
        except Exception:
            log.exception("message %s of %s: it reappears later", message.id, self.queue_name)

    async def _invoke(self, message: QueueMessage, body: bytes) -> Answer:
        try:
            data = payload(body, self._function.trigger.get("dataType"), self._types)
        except ValueError as error:
            return Answer(f"{type(error).__name__}: {error}")
        subject = f"{message.id} {body.decode(errors='replace')}"
        return await self._invocations.run(self._function, data, subject, metadata(message, body, self._types))

    async def _complete(self, message: QueueMessage, answer: Answer) -> None:
        if not answer.error:
            await _unless_gone(self._queue.delete_message(message))
        elif self._poison is None:
            # Left invisible to its end: without a poison queue a release would be an endless fast loop.
            return
        elif (message.dequeue_count or 0) >= self._options.max_dequeue_count:
            await self._to_poison(message)
        else:
            delay = self._pace.whole(self._options.visibility_timeout)
            await _unless_gone(self._queue.update_message(message, visibility_timeout=delay))

    async def _to_poison(self, message: QueueMessage) -> None:
        if self._poison is None:
            return
        log.warning("message %s of %s goes to %s", message.id, self.queue_name, self._poison.queue_name)
        await put_message(self._poison, message.content)
        await _unless_gone(self._queue.delete_message(message))

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        """Keep the message invisible until `done`; each renewal changes its pop receipt."""
        visibility = self._pace.whole(VISIBILITY)
        pause = visibility / 2
        while not await first_of(done, seconds=pause):
            try:
                renewed = await self._queue.update_message(message, visibility_timeout=visibility)
            except AzureError as error:
                if getattr(error, "error_code", "") in GONE:
                    return
                pause = max(pause / 2, self._pace.seconds(SHORTEST_RENEWAL))
            else:
                message.pop_receipt = renewed.pop_receipt
                pause = visibility / 2


async def _unless_gone(call: Any) -> None:
    try:
        await call
    except HttpResponseError as error:
        if error.error_code not in GONE:
            raise
