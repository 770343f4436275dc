"""What a failed storage call means to the line."""

from sync.errors import BadSettings, RetryLater


def outage(error: Exception, service: str) -> RetryLater | BadSettings:
    """The error of the line for an Azure SDK error that means no answer; `service` is "Table" or "Queue"."""
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return BadSettings(
            f"Azure {service} Storage refused the sign-in ({status}): AzureWebJobsStorage.",
            code="sign_in_failed",
            system="storage",
        )
    return RetryLater(
        f"Azure {service} Storage did not answer as it should ({status or type(error).__name__}).",
        code="system_unreachable",
        system="storage",
        details=str(error)[:500],
    )
