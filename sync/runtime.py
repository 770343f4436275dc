"""Builds clients and stores once per process. Fakes enter here, in tests; nothing else builds anything."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from sync.alerting import Alerting
from sync.braking import Braking
from sync.catchup import CatchUp
from sync.channel import channels
from sync.delivery import Deliveries
from sync.directions import check_directions, in_use
from sync.flow import Flow, find_flows
from sync.gate import Gate
from sync.guard import Guard
from sync.hooks import Hooks
from sync.intake import Intake
from sync.mapping import Mapping, load_all
from sync.parking import Parking
from sync.passes import Passes
from sync.pauses import VISIBILITY, Pauses
from sync.pipeline import Pipeline
from sync.rounds import Rounds
from sync.routing import Routing
from sync.sender import Sender
from sync.settings import Settings, read_settings
from sync.slots import Times
from sync.stores.alerts import Alerts
from sync.stores.brakes import Brakes
from sync.stores.crosswalk import Crosswalk
from sync.stores.cursors import Cursors
from sync.stores.gates import Gates
from sync.stores.identities import Identities
from sync.stores.ledger import Ledger
from sync.stores.modes import Modes
from sync.stores.parked import ParkedStore
from sync.stores.queues import Lanes
from sync.stores.registrations import Registrations
from sync.stores.runs import Runs
from sync.stores.standings import Standings
from sync.stores.tables import Table
from sync.sweep import Sweep
from sync.systems.dataverse import environment
from sync.systems.dataverse.changes import DataverseChanges
from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.reader import DataverseReader
from sync.systems.dataverse.records import DataverseRecords
from sync.systems.dataverse.tokens import Credentials, Tokens
from sync.systems.gp.client import GpClient, GpSettings
from sync.systems.gp.records import GpRecords
from sync.systems.gp.system import GpSystem
from sync.walks import DataverseWalk, GpWalk, Walk

MAPPINGS = Path(__file__).parent / "mappings"

CHATTY = ("azure", "httpx")
"""Libraries that log every request: its URL names records, and each line is paid for."""


@dataclass(frozen=True)
class Runtime:
    """Everything a process needs, built from the settings."""

    settings: Settings
    flows: dict[str, Flow]
    mappings: dict[str, Mapping]
    gp: GpSystem
    dataverse: DataverseClient
    records: DataverseRecords
    reader: DataverseReader
    lanes: Lanes
    crosswalk: Crosswalk
    ledger: Ledger
    parked: ParkedStore
    modes: Modes
    identities: Identities
    guard: Guard
    runs: Runs
    cursors: Cursors
    standings: Standings
    sender: Sender
    intake: Intake
    catchup: CatchUp
    pipeline: Pipeline
    deliveries: Deliveries
    gates: dict[str, Gate]
    tables: TableServiceClient
    queues: QueueServiceClient
    alerting: Alerting
    braking: Braking
    routing: Routing[Mapping]
    registrations: Registrations
    hooks: Hooks | None

    async def close(self) -> None:
        await self.dataverse.close()
        await self.gp.close()
        for gate in self.gates.values():
            await gate.close()
        await self.tables.close()
        await self.queues.close()


def build(settings: Settings) -> Runtime:
    """The parts of this process. Raises BadSettings for a faulty mapping; connects to nothing yet."""
    known = load_all(MAPPINGS, settings.overlays)
    flows = in_use(find_flows(), known)
    mappings = {pair: mapping for pair, mapping in known.items() if mapping.rules.enabled}
    check_directions(flows.values(), mappings)
    tables, queues = _storage(settings)
    lanes = Lanes(queues)
    crosswalk = Crosswalk(Table(tables, "crosswalk"))
    ledger = Ledger(Table(tables, "ledger"))
    parked = ParkedStore(Table(tables, "parked"))
    modes = Modes(Table(tables, "modes"), settings.time_scale)
    parking = Parking(parked, crosswalk)
    braking = Braking(Brakes(Table(tables, "brakes")), modes, crosswalk, mappings, settings.time_scale)
    runs = Runs(Table(tables, "runs"))
    cursors = Cursors(Table(tables, "cursors"))
    standings = Standings(cursors)
    gates = _gates(settings, Gates(Table(tables, "gates")))
    gp = GpSystem(GpClient(_gp_settings(settings), gates["gp"]))
    dataverse = _dataverse(settings, gates["dataverse"])
    records = DataverseRecords(dataverse, settings.dataverse_bulk)
    reader = DataverseReader(dataverse, settings.companies)
    identities = Identities(Table(tables, "identities"))
    targets = {"dataverse": partial(environment.look, dataverse)}
    guard = Guard(modes, identities, targets, settings.companies, settings.time_scale)
    pauses = Pauses(settings.time_scale)
    sender = Sender(lanes, settings.lane_depth)
    span = timedelta(hours=settings.sweep_hours)

    def sweeping(walk: Walk) -> Sweep:
        passes = Passes(walk, crosswalk, settings.time_scale)
        return Sweep(flows, mappings, passes, cursors, sender, modes, span, braking)

    sweep = sweeping(GpWalk(gp, crosswalk))
    intake = Intake(flows, mappings, gp, cursors, sender, guard, braking, sweep, Rounds(pauses))
    routing = Routing(flows.values(), mappings, settings.companies, crosswalk, reader, sender, parking)
    catchup = CatchUp(
        flows, mappings, settings.companies, DataverseChanges(dataverse), standings, routing, sender, guard,
        sweeping(DataverseWalk(reader, crosswalk)), Rounds(pauses),
    )  # fmt: skip
    pipeline = Pipeline(
        mappings=mappings,
        sources={"gp": gp, "dataverse": reader},
        targets={"gp": GpRecords(gp.client), "dataverse": records},
        crosswalk=crosswalk,
        ledger=ledger,
        parking=parking,
        guard=guard,
        braking=braking,
        flows=flows,
        sender=sender,
        visibility=VISIBILITY * settings.time_scale,
    )
    deliveries = Deliveries(flows, settings.companies, pipeline, parking, lanes, pauses, runs)
    return Runtime(
        settings, flows, mappings, gp, dataverse, records, reader, lanes, crosswalk, ledger, parked, modes, identities, guard,
        runs, cursors, standings, sender, intake, catchup, pipeline, deliveries, gates, tables, queues,
        _alerting(settings, tables, parked, modes), braking, routing, Registrations(Table(tables, "registrations")),
        _hooks(settings, flows, mappings, routing, guard, parked, ledger),
    )  # fmt: skip


def from_dataverse(flows: dict[str, Flow], mappings: dict[str, Mapping]) -> list[Mapping]:
    """The mappings of the flows that start in Dataverse."""
    pairs = dict.fromkeys(flow.pair for flow in flows.values() if flow.source == "dataverse")
    return [mappings[pair] for pair in pairs]


@cache
def current() -> Runtime:
    """The runtime of this process, built at first use: a worker has one event loop, and so one set of clients."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return build(read_settings())


def _storage(settings: Settings) -> tuple[TableServiceClient, QueueServiceClient]:
    # Without a proxy in the environment there is nothing to read there, which the SDK would do anew at every call.
    agent: dict[str, Any] = {"user_agent": "gp365-app", "use_env_settings": bool(getproxies())}
    # The queue library's own first back-off is 15 s: over a minute until an outage is said.
    patience: dict[str, Any] = {"initial_backoff": 1, "increment_base": 2}
    if connection := settings.storage.get_secret_value():
        return (
            TableServiceClient.from_connection_string(connection, **agent),
            QueueServiceClient.from_connection_string(connection, **agent, **patience),
        )
    from azure.identity.aio import DefaultAzureCredential

    account = settings.storage_account
    credential = DefaultAzureCredential()
    return (
        TableServiceClient(f"https://{account}.table.core.windows.net", credential=credential, **agent),
        QueueServiceClient(f"https://{account}.queue.core.windows.net", credential=credential, **agent, **patience),
    )


def _hooks(
    settings: Settings,
    flows: dict[str, Flow],
    mappings: dict[str, Mapping],
    routing: Routing[Mapping],
    guard: Guard,
    parked: ParkedStore,
    ledger: Ledger,
) -> Hooks | None:
    """The door of webhooks, if there is a secret to knock with."""
    if not settings.hook_secret.get_secret_value():
        return None
    secrets = [settings.hook_secret, settings.hook_secret_old]
    return Hooks(secrets, from_dataverse(flows, mappings), routing, guard, parked, ledger, settings.time_scale)


def _alerting(settings: Settings, tables: TableServiceClient, parked: ParkedStore, modes: Modes) -> Alerting:
    return Alerting(
        channels(settings.alerts.get_secret_value().split()),
        parked,
        modes,
        Alerts(Table(tables, "alerts")),
        place=urlsplit(settings.dataverse_url).hostname or "",
        again=timedelta(hours=settings.alert_again_hours),
    )


def _gates(settings: Settings, gates: Gates) -> dict[str, Gate]:
    times = Times().scaled(settings.time_scale)
    limits = {"gp": settings.gp_limit, "dataverse": settings.dataverse_limit}
    return {system: Gate(system, limit, gates, times) for system, limit in limits.items()}


def _gp_settings(settings: Settings) -> GpSettings:
    return GpSettings(
        server=settings.gp_server,
        port=settings.gp_port,
        user=settings.gp_user,
        password=settings.gp_password,
        companies=settings.companies,
        encryption=settings.gp_encryption,
        login_timeout=settings.gp_login_timeout,
        timeout=settings.gp_timeout,
        overlap_minutes=settings.gp_overlap_minutes,
        system_database=settings.gp_system_database,
        connections=settings.gp_limit,
    )


def _dataverse(settings: Settings, gate: Gate) -> DataverseClient:
    credentials = Credentials(
        resource=settings.dataverse_url,
        authority=settings.authority or f"https://login.microsoftonline.com/{settings.tenant_id}",
        client_id=settings.client_id,
        secret=settings.client_secret.get_secret_value(),
        certificate=settings.client_certificate,
        managed_identity=settings.managed_identity,
        ca_file=settings.ca_file,
    )
    return DataverseClient(
        settings.dataverse_url,
        Tokens(credentials),
        ca_file=settings.ca_file,
        timeout=settings.dataverse_timeout,
        gate=gate,
    )
