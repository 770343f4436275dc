"""The Entra stand-in: discovery, tokens and keys over TLS; the managed identity endpoint over plain HTTP."""

import asyncio
import ssl
import time
from pathlib import Path

from aiohttp import web
from cryptography import x509
from pydantic import BaseModel, ValidationError

from sandbox.door import Door
from sandbox.identity import tokens
from sandbox.identity.certs import Certs, ensure
from sandbox.identity.grants import Refusal, asked_resource, check_credential
from sandbox.identity.registry import Registry, Secret, Tenant


class Options(BaseModel):
    """Ports 0 mean any free one; `lifetime` is the seconds a token lives."""

    port: int = 0
    managed_identity_port: int = 0
    admin_port: int = 0
    lifetime: int = 3599


class Identity:
    """One tenant's issuer. Fault seam: "identity.token" (subject: the path)."""

    def __init__(self, state: Path, options: Options | None = None) -> None:
        self.options = options or Options()
        self.registry = Registry(state / "identity")
        self.certs: Certs = ensure(state / "certs")
        self.door = Door("identity", state / "gaps" / "identity.jsonl")
        self.url = self.managed_identity_endpoint = self.admin = ""
        self._runners: list[web.AppRunner] = []
        self.door.routes.post("/secrets")(self._add_secret)
        self.door.routes.post("/secrets/expire")(self._expire_secrets)
        self.door.routes.post("/certificates")(self._add_certificate)
        self.door.routes.post("/resources")(self._add_resource)

    async def start(self) -> dict[str, object]:
        """Serve, and return what the ready line announces."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certs.cert_file, self.certs.key_file)
        self.url = f"https://localhost:{await self._serve(self._public(), self.options.port, tls)}"
        plain = web.Application()
        plain.router.add_get("/msi/token", self._managed_identity)
        port = await self._serve(plain, self.options.managed_identity_port, None)
        self.managed_identity_endpoint = f"http://127.0.0.1:{port}/msi/token"
        self.admin = await self.door.start(self.options.admin_port)
        return self.announcement()

    def announcement(self) -> dict[str, object]:
        """What a client needs to sign in here."""
        tenant = self.registry.tenant()
        return {
            "authority": f"{self.url}/{tenant.tenant_id}",
            "client_id": tenant.applications[0].client_id,
            "client_secret": tenant.applications[0].live_secret(),
            "ca_file": str(self.certs.ca_file),
            "managed_identity_endpoint": self.managed_identity_endpoint,
            "managed_identity_header": tenant.managed_identity_header,
            "admin": self.admin,
        }

    async def stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        await self.door.stop()

    async def _serve(self, app: web.Application, port: int, tls: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        return runner.addresses[0][1]

    def _public(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/{tenant}/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/{tenant}/discovery/v2.0/keys", self._keys)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_post("/{tenant}/oauth2/token", self._token)
        return app

    async def _discovery(self, request: web.Request) -> web.Response:
        try:
            self._tenant(request)
        except Refusal as refusal:
            return web.json_response(refusal.body(), status=refusal.status)
        base = f"{self.url}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(tokens.key_set(self.registry))

    async def _token(self, request: web.Request) -> web.StreamResponse:
        struck = await self._fault(request)
        if struck is not None:
            return struck
        try:
            answer = self._grant(request, {k: str(v) for k, v in (await request.post()).items()})
        except Refusal as refusal:
            self.door.counts.add(f"refused {refusal.number}")
            return web.json_response(refusal.body(), status=refusal.status)
        self.door.counts.add("tokens")
        return web.json_response(answer)

    async def _fault(self, request: web.Request) -> web.Response | None:
        fault = self.door.faults.take("identity.token", request.path)
        if fault is None:
            return None
        if fault.do == "delay":
            await asyncio.sleep(fault.seconds)
            return None
        if fault.do == "drop" and request.transport is not None:
            request.transport.abort()
        headers = {"Retry-After": str(int(fault.seconds))} if fault.seconds else {}
        return web.json_response({"error": "temporarily_unavailable"}, status=fault.code or 503, headers=headers)

    def _tenant(self, request: web.Request) -> Tenant:
        tenant, asked = self.registry.tenant(), request.match_info["tenant"]
        if asked.lower() != tenant.tenant_id:
            text = f"Tenant '{asked}' not found. Check to make sure you have the correct tenant ID."
            raise Refusal(90002, "invalid_request", text)
        return tenant

    def _grant(self, request: web.Request, form: dict[str, str]) -> dict[str, object]:
        tenant = self._tenant(request)
        if form.get("grant_type") != "client_credentials":
            self.door.gaps.note("grant type", form.get("grant_type", ""))
            raise Refusal(70003, "unsupported_grant_type", "The app requested an unsupported grant type.")
        application = tenant.application(form.get("client_id", ""))
        if application is None:
            asked = form.get("client_id", "")
            text = f"Application with identifier '{asked}' was not found in the directory '{tenant.tenant_id}'."
            raise Refusal(700016, "unauthorized_client", text)
        check_credential(application, form, f"{self.url}{request.path}")
        parameter = "scope" if request.path.endswith("/v2.0/token") else "resource"
        resource = asked_resource(tenant, form, parameter)
        token = tokens.issue(self.registry, application, resource, self.options.lifetime)
        seconds = self.options.lifetime
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        }

    async def _managed_identity(self, request: web.Request) -> web.Response:
        tenant = self.registry.tenant()
        if request.headers.get("X-IDENTITY-HEADER") != tenant.managed_identity_header:
            return _msi_error(401, "Missing or wrong X-IDENTITY-HEADER.")
        if request.query.get("api-version") != "2019-08-01":
            return _msi_error(400, "Unsupported api-version.")
        client_id = request.query.get("client_id", tenant.managed_identity.client_id)
        if client_id != tenant.managed_identity.client_id or {"mi_res_id", "object_id"} & request.query.keys():
            return _msi_error(
                400,
                "No managed identity found for the specified client, resource or principal id.",
            )
        resource = request.query.get("resource", "")
        if tenant.resource(resource) is None:
            return _msi_error(400, "AADSTS500011: The resource principal was not found in the tenant.")
        expires = int(time.time()) + self.options.lifetime
        token = tokens.issue_until(self.registry, tenant.managed_identity, resource, expires)
        answer = {"access_token": token, "expires_on": str(expires), "resource": resource, "token_type": "Bearer"}
        return web.json_response({**answer, "client_id": tenant.managed_identity.client_id})

    async def _add_secret(self, _: web.Request) -> web.Response:
        """Rotate: a new live secret for the first application; the old ones stay until expired."""
        fresh = Secret()
        with self.registry.change() as tenant:
            tenant.applications[0].secrets.append(fresh)
        return web.json_response({"client_secret": fresh.value}, status=201)

    async def _expire_secrets(self, _: web.Request) -> web.Response:
        with self.registry.change() as tenant:
            for secret in tenant.applications[0].secrets:
                secret.expires = min(secret.expires, time.time())
        return web.json_response({})

    async def _add_certificate(self, request: web.Request) -> web.Response:
        pem = await request.text()
        try:
            x509.load_pem_x509_certificate(pem.encode())
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        with self.registry.change() as tenant:
            tenant.applications[0].certificates.append(pem)
        return web.json_response({}, status=201)

    async def _add_resource(self, request: web.Request) -> web.Response:
        try:
            url = _Resource.model_validate_json(await request.read()).url
        except ValidationError as error:
            return web.json_response({"error": str(error)}, status=400)
        self.registry.add_resource(url)
        return web.json_response({}, status=201)


class _Resource(BaseModel):
    url: str


def _msi_error(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
