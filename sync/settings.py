"""Settings: the only reader of the environment. Each one is described here and in `docs/reference/settings.md`."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from azure.core.utils import parse_connection_string
from pydantic import DirectoryPath, Field, FilePath, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from sync.errors import BadSettings

_SECRET = re.compile(r"[!-~]{32,500}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Settings(BaseSettings):
    """Application settings, read once per process. In Azure they are app settings, secrets as Key Vault references."""

    model_config = SettingsConfigDict(env_prefix="GP365_", frozen=True, extra="ignore", populate_by_name=True)

    gp_server: str = Field(min_length=1, description="Host name of the SQL Server that holds the GP databases.")
    gp_port: int = Field(1433, description="TCP port of that SQL Server.")
    gp_user: str = Field(description="SQL login with the rights of infra/gp/rights.sql.")
    gp_password: SecretStr = Field(description="Password of that login.")
    gp_encryption: Literal["require", "request", "off"] = Field(
        "require",
        description="TLS towards SQL Server: `require` outside a laptop. It encrypts but does not check the server's "
        "certificate, so the way there must be a private one (VPN, ExpressRoute).",
    )
    gp_system_database: str = Field("DYNAMICS", description="Name of GP's system database.")
    companies: Annotated[tuple[str, ...], NoDecode] = Field(
        description="Company databases to keep in agreement, separated by commas: `TWO,THREE`."
    )
    gp_login_timeout: int = Field(15, ge=1, description="Seconds to wait for a connection to SQL Server.")
    gp_timeout: int = Field(60, ge=1, description="Seconds to wait for an answer of SQL Server.")
    gp_overlap_minutes: int = Field(
        10, ge=0, description="How far a timestamp feed reads back, longer than the longest posting in GP."
    )
    gp_limit: int = Field(
        4, ge=1, le=100, description="How many batches SQL Server may work for GP365 at once, all companies together."
    )
    poll_schedule: str = Field(
        "*/15 * * * * *", description="When GP is polled: an NCRONTAB expression of six fields, in UTC."
    )
    delta_schedule: str = Field(
        "*/30 * * * * *",
        description="When Dataverse is asked what changed there, whatever its webhooks told: an NCRONTAB expression of six "
        "fields, in UTC.",
    )
    sweep_schedule: str = Field(
        "0 */5 * * * *", description="When the sweep goes on: an NCRONTAB expression of six fields, in UTC."
    )
    sweep_hours: float = Field(
        24, gt=0, description="Hours in which the sweep looks at every record once; sooner where there are few."
    )
    lane_depth: int = Field(
        2000,
        ge=1,
        description="Messages that a lane and its bulk twin may hold together; beyond that GP is not read until the "
        "workers have caught up. Loads fill half of it.",
    )
    dataverse_url: str = Field(description="URL of the Dataverse environment: `https://contoso.crm4.dynamics.com`.")
    tenant_id: str = Field(
        "", description="Entra tenant id. Needed unless `GP365_AUTHORITY` or a managed identity is given."
    )
    authority: str = Field("", description="Token issuer, when it is not `https://login.microsoftonline.com/<tenant>`.")
    client_id: str = Field("", description="Application (client) id of the app registration or user-assigned identity.")
    client_secret: SecretStr = Field(SecretStr(""), description="Client secret of the app registration.")
    client_certificate: FilePath | None = Field(
        None, description="PEM file with private key and certificate, instead of a secret."
    )
    managed_identity: bool = Field(
        False, description="Sign in with the app's managed identity instead of an app registration."
    )
    ca_file: FilePath | None = Field(
        None, description="Extra certificate authority for Dataverse and the token issuer."
    )
    dataverse_bulk: Literal["batch", "multiple"] = Field(
        "batch",
        description="How new rows are created: `batch` (each for itself, many in a request), or `multiple` (CreateMultiple where "
        "the table has it: faster in Dataverse, and read back afterwards). Updates are always a batch.",
    )
    dataverse_timeout: float = Field(120, gt=0, description="Seconds to wait for an answer of Dataverse.")
    dataverse_limit: int = Field(
        8,
        ge=1,
        le=52,
        description="How many requests GP365 may have in progress at Dataverse at once; fewer when Dataverse advises so.",
    )
    hook_url: str = Field(
        "",
        description="Where Dynamics 365 reaches the app: `https://<app>.azurewebsites.net/api/hooks/dataverse`. Needed by "
        "`register`.",
    )
    hook_inside_url: str = Field(
        "",
        description="Where the operator's commands reach the same place, when `GP365_HOOK_URL` leads there from outside "
        "only (a gateway in front of the app).",
    )
    hook_key: SecretStr = Field(
        SecretStr(""), description="Function key of `hook_dataverse`, sent along by Dynamics 365. Needed by `register`."
    )
    hook_secret: SecretStr = Field(
        SecretStr(""),
        description="What a webhook must show beside the function key: 32 characters or more. Without it the app takes "
        "no webhooks.",
    )
    hook_secret_old: SecretStr = Field(
        SecretStr(""), description="The secret before, taken as well while a new one takes its place."
    )
    overlays: DirectoryPath | None = Field(
        None, description="Folder with a company's own additions to the mappings, one YAML file per pair."
    )
    alerts: SecretStr = Field(
        SecretStr(""),
        description="Who is told what waits for a person: addresses as Apprise writes them (`slack://`, `mailtos://`, "
        "`workflows://` for Teams, `jsons://`), separated by blanks. Nobody, if empty.",
    )
    alert_schedule: str = Field("0 * * * * *", description="When it is looked whether there is something to tell.")
    alert_again_hours: float = Field(
        24, gt=0, description="How long a thing that was told counts as known; then it is told again."
    )
    storage: SecretStr = Field(
        SecretStr(""),
        alias="AzureWebJobsStorage",
        description="Connection string of the storage account with lanes and tables.",
    )
    storage_account: str = Field(
        "",
        alias="AzureWebJobsStorage__accountName",
        description="Name of the storage account, when identity replaces the connection string.",
    )
    time_scale: float = Field(
        1,
        gt=0,
        le=1,
        description="Shortens pauses and waiting times by this factor. Refused outside the sandbox.",
    )

    @field_validator("companies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip().upper() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("companies")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(not 1 <= len(company) <= 5 for company in value):
            raise ValueError("name at least one company database, at most five characters each")
        return value

    @field_validator("dataverse_url", "authority")
    @classmethod
    def _https(cls, value: str) -> str:
        if value and urlsplit(value).scheme != "https":
            raise ValueError("must start with https://")
        return value.rstrip("/")

    @field_validator("hook_url")
    @classmethod
    def _as_webhooks_go(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme, parts.port or 443, parts.query, parts.username) != ("https", 443, "", None):
            raise ValueError("must start with https://, without a port, a query or a user: Dynamics 365 calls no other")
        return value

    @field_validator("hook_inside_url")
    @classmethod
    def _https_or_here(cls, value: str) -> str:
        if value and urlsplit(value).scheme != "https" and urlsplit(value).hostname not in _LOOPBACK:
            raise ValueError("must start with https://")
        return value

    @field_validator("hook_secret", "hook_secret_old")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and not _SECRET.fullmatch(text):
            raise ValueError("needs 32 to 500 printable ASCII characters without blanks")
        return value

    @field_validator("storage")
    @classmethod
    def _connection(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and text.lower() != "usedevelopmentstorage=true":
            parse_connection_string(text)
        return value

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        if not self.managed_identity:
            if not (self.authority or self.tenant_id):
                raise ValueError("GP365_TENANT_ID (or GP365_AUTHORITY) is missing")
            if not self.client_id:
                raise ValueError("GP365_CLIENT_ID is missing")
            if not (self.client_secret.get_secret_value() or self.client_certificate):
                raise ValueError("GP365_CLIENT_SECRET or GP365_CLIENT_CERTIFICATE is missing")
        if not (self.storage.get_secret_value() or self.storage_account):
            raise ValueError("AzureWebJobsStorage is missing")
        if self.hook_secret_old.get_secret_value() and not self.hook_secret.get_secret_value():
            raise ValueError("GP365_HOOK_SECRET is missing beside GP365_HOOK_SECRET_OLD")
        if self.time_scale != 1 and urlsplit(self.dataverse_url).hostname not in _LOOPBACK:
            raise ValueError("GP365_TIME_SCALE is for the sandbox only")
        return self


def read_settings() -> Settings:
    """The settings of this process. Raises BadSettings naming every setting that is missing or malformed."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(_fault(fault["loc"], fault["msg"]) for fault in error.errors())
        raise BadSettings(f"Settings: {faults}.", code="setting_missing") from None


def setting_name(field: str) -> str:
    """The environment variable of a field: its alias, or GP365_ and the field's name in capitals."""
    return Settings.model_fields[field].alias or f"GP365_{field.upper()}"


def _fault(location: tuple[int | str, ...], text: str) -> str:
    text = text.removeprefix("Value error, ").removesuffix(".")
    if not location:
        return text
    field = str(location[0])
    name = setting_name(field) if field in Settings.model_fields else field
    name = name if name.startswith(("GP365_", "Azure")) else f"GP365_{name.upper()}"
    return f"{name} is missing" if text == "Field required" else f"{name}: {text}"
