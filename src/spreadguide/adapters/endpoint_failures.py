"""What goes wrong with an endpoint, in plain words. Nothing that the endpoint wrote, and no key, is in a message."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from spreadguide.errors import GeneratorUnavailable

LONGEST_REST_SECONDS = 300.0
"""The endpoint may ask for a rest (Retry-After) of at most this; whoever wants longer is asked again and says so."""

UNTIL_THEN = "Until then, answers are quotes."
_CHECK = f"Check the settings endpoint and endpoint_model. {UNTIL_THEN}"
_KEY = f"Check SPREADGUIDE_ENDPOINT_KEY, or ask who runs the endpoint. {UNTIL_THEN}"
_ADMIN = f"If it stays so, ask who runs the endpoint. {UNTIL_THEN}"
_SHORTER = "Ask a shorter question, or use a model that reads more."


class EndpointTrouble(GeneratorUnavailable):
    """Why the endpoint did not write.

    ``passing`` means that another attempt may go well, ``counts`` that it speaks against the endpoint. ``rest`` is how
    many seconds the endpoint asked to be left alone.
    """

    def __init__(
        self, message: str, *, hint: str = _ADMIN, passing: bool = False, counts: bool = True, rest: float = 0.0
    ) -> None:
        super().__init__(message, hint=hint)
        self.passing = passing
        self.counts = counts
        self.rest = rest


_BY_STATUS: Mapping[int, tuple[str, str, bool]] = {
    400: ("The model's endpoint did not accept the request.", f"{_SHORTER} {_CHECK}", False),
    401: ("The model's endpoint does not accept the key.", _KEY, True),
    403: ("The model's endpoint does not allow this.", _KEY, True),
    404: ("The model's endpoint does not know the address or the model.", _CHECK, True),
    413: ("The question and its evidence are too long for the model's endpoint.", _SHORTER, False),
    422: ("The model's endpoint did not accept the request.", f"{_SHORTER} {_CHECK}", False),
}
"""Message, hint, and whether it speaks against the endpoint rather than against the one request."""


def refused(status: int, headers: Mapping[str, str], now: datetime | None = None) -> EndpointTrouble:
    """Return what an answer with another status than 200 means."""
    if status in _BY_STATUS:
        message, hint, counts = _BY_STATUS[status]
        return EndpointTrouble(message, hint=hint, counts=counts)
    rest = rest_asked(headers.get("retry-after", ""), now or datetime.now(UTC))
    if status == httpx.codes.TOO_MANY_REQUESTS:
        hint = f"Try again in {rest:.0f} seconds." if rest >= 1 else "Try again in a minute."
        return EndpointTrouble("The model's endpoint is busy.", hint=hint, passing=True, counts=False, rest=rest)
    if httpx.codes.is_redirect(status):
        return EndpointTrouble(
            "The model's endpoint sends requests on to another address, which is not followed.",
            hint=f"Set endpoint to the address that it leads to, if you trust it. {UNTIL_THEN}",
        )
    fault = httpx.codes.is_server_error(status)
    return EndpointTrouble(
        f"The model's endpoint {'has a fault' if fault else 'gave an answer that is not understood'} ({status}).",
        passing=fault,
        rest=rest if fault else 0.0,
    )


def rest_asked(retry_after: str, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for, at most `LONGEST_REST_SECONDS`; 0 where it says nothing.

    RFC 9110, section 10.2.3: whole seconds, or a date.
    """
    value = retry_after.strip()
    if value.isascii() and value.isdigit():
        # A number of that many digits is beyond the bound anyway, and Python refuses to read thousands of them.
        return min(float(value[:9]), LONGEST_REST_SECONDS)
    try:
        then = parsedate_to_datetime(value)
        seconds = (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_REST_SECONDS)


def broken(error: httpx.HTTPError) -> EndpointTrouble:
    """Return what a connection that failed means."""
    if _is_certificate(error):
        return EndpointTrouble(
            "The certificate of the model's endpoint is not trusted.",
            hint=f"Add your organisation's authority to this machine's certificates. {UNTIL_THEN}",
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return EndpointTrouble("The model's endpoint cannot be reached.", passing=True)
    return EndpointTrouble("The connection to the model's endpoint broke.", passing=True)


def misunderstood() -> EndpointTrouble:
    """Return the error for an answer in a form that a chat completion does not have."""
    return EndpointTrouble("The model's endpoint answers in another form than chat completions have.", hint=_CHECK)


def too_much() -> EndpointTrouble:
    """Return the error for an answer that is longer than any answer needs to be."""
    return EndpointTrouble("The model's endpoint sent more than is read.", hint=_CHECK)


def too_slow(what: str, seconds: float) -> EndpointTrouble:
    """Return the error for ``what`` that did not come within ``seconds``."""
    return EndpointTrouble(f"The model's endpoint was too slow: {what} did not come within {seconds:.0f} seconds.")


def _is_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
