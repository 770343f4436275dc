"""Reading and writing GP records: all reads of a round at once, many writes in a batch, each its own transaction."""

from collections.abc import Sequence
from itertools import batched

from sync.errors import BadSettings, Rejected, RetryLater
from sync.mapping import Mapping
from sync.system import Ask, Outcome, Seen, Verdict, Write
from sync.systems.gp import further
from sync.systems.gp.batch import batch
from sync.systems.gp.client import GpClient, Unanswered
from sync.systems.gp.creating import create
from sync.systems.gp.reader import GpReader
from sync.systems.gp.refusals import custom_texts
from sync.systems.gp.transaction import Transaction
from sync.systems.gp.updating import update
from sync.systems.gp.verdicts import all_numbers, answers, busy, verdict
from sync.systems.gp.written import CUSTOMERS, sort

WRITES = 25
"""Writes of one batch. They are worked one after another while a person may wait for one of them."""


class GpRecords:
    """The records of the company databases, as the line reads and writes them."""

    def __init__(self, client: GpClient) -> None:
        self._client = client
        self._reader = GpReader(client)

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen:
        """All records asked for, missing ones are absent: one round trip for `ids`, one for all of `alike`; and the server's
        time before the first read. `keys` are found by nothing in GP.
        """
        if not (wanted.ids or wanted.alike or wanted.keys):
            return Seen({}, {}, [])
        by_id, first = await self._reader.read_at(company, mapping, wanted.ids)
        alike, second = await self._reader.alike(company, mapping, wanted.alike)
        return Seen(by_id, {}, alike, first or second or await self._reader.now(company))

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        """Write records by eConnect, one verdict per write, in order. A failure of one never touches another.

        Nothing is written of a record that is not as it was seen, nor after `not_after`, both judged inside its own
        transaction. `kept` is read there too. A verdict with RetryLater or BadSettings is REFUSED when it is known that
        nothing landed, else FAILED. Raises Rejected when the server refused a whole batch for a cause it alone knows.
        """
        verdicts: list[Verdict] = []
        for some in batched(writes, WRITES, strict=False):
            verdicts += await self._write(company, mapping, some)
        return verdicts

    async def _write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        transactions: dict[str, Transaction] = {}
        verdicts: dict[str, Verdict] = {}
        for write in writes:
            try:
                transactions[write.id] = transaction_of(mapping, write)
            except Rejected as error:
                verdicts[write.id] = Verdict(write.id, Outcome.FAILED, error=error)
        sent = [write for write in writes if write.id in transactions]
        if sent:
            verdicts |= {
                each.id: each for each in await self._send(company, mapping, sent, list(transactions.values()))
            }
        return [verdicts[write.id] for write in writes]

    async def _send(
        self, company: str, mapping: Mapping, writes: Sequence[Write], transactions: Sequence[Transaction]
    ) -> list[Verdict]:
        patience = self._client.settings.timeout * 1000 // 3
        try:
            rows = await self._client.write(company, batch(mapping, transactions, patience), busy)
        except Unanswered as unanswered:
            if isinstance(unanswered.cause, Rejected):
                raise unanswered.cause from None
            return [Verdict(write.id, Outcome.FAILED, error=unanswered.cause) for write in writes]
        except (RetryLater, BadSettings) as error:
            return [Verdict(write.id, Outcome.REFUSED, error=error) for write in writes]
        found = answers(rows, len(writes))
        texts = await custom_texts(self._client, company, all_numbers(found))
        place = (self._client.place, company)
        return [verdict(place, mapping, write, answer, texts) for write, answer in zip(writes, found, strict=True)]


def transaction_of(mapping: Mapping, write: Write) -> Transaction:
    """What a write asks of GP. Raises Rejected for what GP would not keep whole."""
    written = sort(mapping, write)
    if mapping.gp.table != CUSTOMERS:
        return further.transaction(mapping, write, written)
    return create(mapping, write, written) if write.create else update(mapping, write, written)
