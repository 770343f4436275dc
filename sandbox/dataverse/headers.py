"""Request headers, of direct requests and of those inside a batch: what is served, what is refused."""

from multidict import CIMultiDict

from sandbox.dataverse import errors

_IMPERSONATION = {"callerobjectid", "mscrmcallerid"}
_BYPASS = ("mscrm.bypasscustompluginexecution", "mscrm.bypassbusinesslogic")
_OTHER_KINDS = {
    "$metadata": "application/xml",
    "$batch": "multipart/mixed",
    "$count": "text/plain",
    "$value": "text/plain",
}


def check_headers(headers: CIMultiDict[str], path: str) -> None:
    """Raises DataverseError: 406 for a media type that `path` does not serve, 400 for another OData version, and
    what is not imitated: metadata levels 406, impersonation and bypassing 403, duplicate detection 400."""
    _check_accept(headers.get("Accept", "*/*"), path.rstrip("/").rpartition("/")[2])
    for name in ("OData-Version", "OData-MaxVersion"):
        if headers.get(name, "4.0") not in {"4.0", "4.01"}:
            raise errors.bad_query(f"The version '{headers[name]}' of {name} is not supported.")
    for name in headers:
        if name.lower() in _IMPERSONATION or name.lower().startswith(_BYPASS):
            error = errors.DataverseError(403, "0x80040220", f"The header {name} needs a privilege.")
            raise errors.Unsupported("header", name, error)
    if headers.get("MSCRM.SuppressDuplicateDetection", "true").lower() != "true":
        error = errors.invalid_argument("Duplicate detection is not available.")
        raise errors.Unsupported("header", "MSCRM.SuppressDuplicateDetection: false", error)


def _check_accept(accept: str, resource: str) -> None:
    served = {"*/*", "application/*", "application/json", _OTHER_KINDS.get(resource)}
    if not any(kind.partition(";")[0].strip().lower() in served for kind in accept.split(",")):
        raise errors.DataverseError(406, "0x80060888", f"The media type '{accept}' is not served.")
    if "odata.metadata=full" in accept or "odata.metadata=none" in accept:
        error = errors.DataverseError(406, "0x80060888", "Only odata.metadata=minimal is served.")
        raise errors.Unsupported("header", f"Accept: {accept}", error)
