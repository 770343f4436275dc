"""The brake's rule: what is counted, how much is far too much, and what is said then. Pure (promise 6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sync.flow import Flow
from sync.mapping_model import Brake, Side
from sync.match import INACTIVE
from sync.planning import Case, Plan
from sync.stores.brakes import Tally
from sync.stores.couple import DELETED, LEFT, Agreed, Intent
from sync.value import same

STATE = "statecode"
NO_LIMIT = 10**12
GONE = frozenset({DELETED, LEFT})
"""The causes under which a record is parked that is no longer there, or takes no part any more."""


class Kind(StrEnum):
    """`deletes`: gone from the source, or made inactive. `changes`: every other update. A create is neither."""

    DELETES = "deletes"
    CHANGES = "changes"


type Counted = set[tuple[Kind, str]]
"""What was counted before: kind and key."""


@dataclass(frozen=True)
class Excess:
    """More than may pass without a question: `count` with what was asked now, of `known` records; `before` had passed."""

    kind: Kind
    count: int
    before: int
    known: int
    allowed: int


def weigh(plans: Iterable[Plan], side: Side) -> Counted:
    """What some plans of a flow from that side would do, as the brake counts it."""
    kinds = ((_kind(plan, side), plan.key) for plan in plans)
    return {(kind, key) for kind, key in kinds if kind}


def weighed(cases: Iterable[Case]) -> Counted:
    """What was counted when the intents were stored that an earlier try left behind."""
    kinds = ((_of_intent(case.couple.intent, case.couple.base), case.key) for case in cases)
    return {(kind, key) for kind, key in kinds if kind}


def window(tally: Tally, now: datetime, hour: timedelta) -> Tally:
    """The counts that hold now: an hour begins with the first event after the last one's end."""
    if tally.began and datetime.fromisoformat(tally.began) + hour > now:
        return tally
    return tally.anew(now.isoformat())


def allowed(rules: Brake, kind: Kind, known: int) -> int:
    """How many may pass within an hour without a question."""
    share: Decimal = getattr(rules, kind)
    return NO_LIMIT if share == 1 else max(rules.at_least - 1, int(share * known))


def text(excess: Excess, rules: Brake, flow: Flow, company: str) -> str:
    """Why the flow is paused, and what then, in a controller's words."""
    share = f"{getattr(rules, excess.kind) * 100:f}".rstrip("0").rstrip(".") if excess.known else "0"
    source, target = ("GP", "Dataverse") if flow.side == "gp" else ("Dataverse", "GP")
    what = {
        Kind.DELETES: f"were deleted or made inactive in {source}",
        Kind.CHANGES: f"would have been changed in {target}",
    }[excess.kind]
    before = f"{excess.before:,} of them passed before it stopped; the rest waits." if excess.before else "All wait."
    return (
        f"In the last hour {excess.count:,} of {excess.known:,} known {flow.pair} records {what}; "
        f"{excess.allowed:,} may be without a question ({share}%, or fewer than {rules.at_least}). {before} "
        f"Find out why. If it is right, `python -m sync resume --company {company} --flow {flow.name}` "
        f"lets everything pass that was seen until then; if it is wrong, correct it in {source} first: "
        "records are read afresh when they pass."
    )


def _kind(plan: Plan, side: Side) -> Kind | None:
    couple = plan.case.couple
    if plan.error:
        gone = plan.error.code in GONE and couple.parked_by(side) != plan.error.code
        return Kind.DELETES if gone else None
    return _of_intent(plan.couple.intent if plan.write else None, couple.base)


def _of_intent(intent: Intent | None, base: Mapping[str, Agreed]) -> Kind | None:
    if intent is None or intent.create:
        return None
    state = intent.fields.get(STATE)
    if state is None or state.new != INACTIVE:
        return Kind.CHANGES
    # A record that was inactive from the start is born active, and made inactive by an update: part of its creation.
    agreed = base.get(STATE)
    born_so = agreed is not None and agreed.unsure and same(agreed.gp, state.source)
    return None if born_so else Kind.DELETES
