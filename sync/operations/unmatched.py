"""Whether a first load would make records that are there already: Dataverse holds some, and nobody has said who is who."""

from sync.errors import Rejected
from sync.flow import Flow
from sync.mapping import Mapping
from sync.operations.match import KIND, may_be_of
from sync.runtime import Runtime
from sync.stores.modes import Mode
from sync.system import Record
from sync.systems.dataverse.pages import pages


async def check_matched(runtime: Runtime, company: str, flow: Flow) -> None:
    """Whether a flow may make a record of all that it does not find, where a person is to couple (`first_sync: report`).

    It may once something of the company is coupled, or a match report was applied, or while Dataverse holds nothing that
    could be one of them; it may be observed, and where no report can be made (no `evidence`) there is none to wait for.
    Raises Rejected (`match_first`) where not, else as the systems do.
    """
    mapping = runtime.mappings[flow.pair]
    reported = mapping.rules.first_sync == "report" and mapping.rules.evidence.name
    if not reported or await _is_harmless(runtime, company, flow):
        return
    async for page in pages(runtime.dataverse, mapping):
        if any(_is_a_stranger(company, mapping, record) for record, _ in page):
            raise Rejected(
                f"Dataverse holds {mapping.dataverse.set} that may be of {company}, nothing of it is coupled, and no match "
                "report was applied.",
                code="match_first",
            )


async def _is_harmless(runtime: Runtime, company: str, flow: Flow) -> bool:
    if (await runtime.modes.of(company, flow.name)).mode is Mode.OBSERVE:
        return True
    applied = (KIND, company, flow.name)
    if any((run.kind, run.company, run.flow) == applied for run in await runtime.runs.list()):
        return True
    return await runtime.crosswalk.count(company, flow.pair) > 0


def _is_a_stranger(company: str, mapping: Mapping, record: Record) -> bool:
    """Whether a record may be one of the company's without saying so by its key."""
    return not record.values.get(mapping.dataverse.key) and may_be_of(company, mapping, record)
