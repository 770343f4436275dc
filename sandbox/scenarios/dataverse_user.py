"""A person at Dataverse: real msal and httpx, no code of the app."""

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import msal


class DataverseUser:
    """Reads the environment named in `dataverse` (the "dataverse" of the sandbox's contract)."""

    def __init__(self, dataverse: Mapping[str, Any]) -> None:
        self._dataverse = dataverse
        self._client = httpx.AsyncClient(
            base_url=f"{dataverse['url']}/api/data/v9.2/", verify=_trusting(dataverse["ca_file"]), timeout=30
        )

    async def __aenter__(self) -> Self:
        self._app = await asyncio.to_thread(self._sign_in)
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._client.aclose()

    async def rows(self, path: str, **options: str) -> list[dict[str, Any]]:
        """The rows that `path` names, such as "accounts", with OData options given without their "$"."""
        answer = await self._client.get(
            path, params={f"${name}": value for name, value in options.items()}, headers=await self._headers()
        )
        answer.raise_for_status()
        return answer.json()["value"]

    async def all_rows(self, path: str, **options: str) -> list[dict[str, Any]]:
        """As `rows`, page after page to the last."""
        rows: list[dict[str, Any]] = []
        link = str(httpx.URL(path, params={f"${name}": value for name, value in options.items()}))
        while link:
            answer = await self._client.get(link, headers=await self._headers())
            answer.raise_for_status()
            page = answer.json()
            rows += page["value"]
            link = page.get("@odata.nextLink", "")
        return rows

    async def create(self, path: str, body: Mapping[str, Any]) -> str:
        """Make a row of the set that `path` names; its id."""
        answer = await self._client.post(path, json=dict(body), headers=await self._headers())
        answer.raise_for_status()
        return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    async def edit(self, path: str, body: Mapping[str, Any]) -> None:
        """Change some columns of the row that `path` names."""
        answer = await self._client.patch(path, json=dict(body), headers=await self._headers())
        answer.raise_for_status()

    async def delete(self, path: str) -> None:
        """Delete the row that `path` names."""
        answer = await self._client.delete(path, headers=await self._headers())
        answer.raise_for_status()

    async def act(self, action: str, body: Mapping[str, Any]) -> None:
        """Call an unbound action."""
        answer = await self._client.post(action, json=dict(body), headers=await self._headers())
        answer.raise_for_status()

    def _sign_in(self) -> msal.ConfidentialClientApplication:
        return msal.ConfidentialClientApplication(
            self._dataverse["client_id"],
            client_credential=self._dataverse["client_secret"],
            authority=self._dataverse["authority"],
            instance_discovery=False,
            http_client=_Http(self._dataverse["ca_file"]),
        )

    async def _headers(self) -> dict[str, str]:
        scope = f"{self._dataverse['url']}/.default"
        answer = await asyncio.to_thread(self._app.acquire_token_for_client, [scope])
        if "access_token" not in answer:
            raise PermissionError(answer.get("error_description", answer))
        return {
            "Authorization": f"Bearer {answer['access_token']}",
            "Prefer": 'odata.include-annotations="OData.Community.Display.V1.FormattedValue"',
        }


class _Http(httpx.Client):
    """msal's transport. Its own, `requests`, lets environment variables override the CA file it is given."""

    def __init__(self, ca_file: str) -> None:
        super().__init__(verify=_trusting(ca_file), timeout=30)

    def get(self, url: str, **options: Any) -> httpx.Response:
        return super().get(url, **_known(options))

    def post(self, url: str, **options: Any) -> httpx.Response:
        return super().post(url, **_known(options))


def _known(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in ("params", "data", "headers")}


def _trusting(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
