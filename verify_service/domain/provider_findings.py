"""What is wrong at the provider: it fails, it refuses, or its callbacks do not arrive."""

from __future__ import annotations

from verify_service.domain.counts import UNKNOWN
from verify_service.domain.figures import number, share
from verify_service.domain.finding import Finding, Level
from verify_service.domain.signs import ACCOUNT, REFUSED, CallbacksMissing, ProviderFailing
from verify_service.domain.situation import Situation

_REASONS = {
    ACCOUNT: "refused for our account",
    "unreachable": "no connection",
    "unreadable": "an error of the server, or an answer without a meaning",
    "internal": "an error inside the provider",
    "throttled": "too many requests",
    REFUSED: "refused",
    UNKNOWN: "no answer in time",
}
_ANY_CAUSE = (
    "Compare PROVIDER_ACCESS_KEY and PROVIDER_AUTH with the account at the provider, and look at "
    "its balance and the addresses it admits."
)
_ALL_REFUSED = (
    "Ask the provider: the account or the service may be blocked. `call_failed` in the log has "
    "each answer."
)
_FAILS = (
    "Look at the provider's status page and the network to it. `python -m "
    "verify_service.cli.release` tries a connection."
)
_ACCOUNT_SECTION = "verifyproviderrefusesaccount"
_RESUME = "Afterwards `flask --app wsgi resume` ends the breaker's pause."
_NEW_TOKEN = (
    "Compare PROVIDER_ACCESS_KEY and PROVIDER_AUTH with the account at the provider. If the token "
    "is revoked, make another one there, set PROVIDER_ACCESS_KEY, and restart."
)
_TOKEN = "the token is wrong or inactive", _NEW_TOKEN
_INACTIVE = "the account is inactive or misconfigured", "Ask the provider."
_FORBIDDEN = (
    "the account may not do this",
    "Ask the provider to enable flash calls, also for this country.",
)
_MALFORMED = (
    "it takes our requests for incorrectly formed",
    "Compare PROVIDER_URL with the provider's page, and ask the provider what changed.",
)
_ACCOUNT_CAUSES = {
    "1": _TOKEN,
    "5": _TOKEN,
    "invalidAccessKeyError": _TOKEN,
    "HTTP401": _TOKEN,
    "2": _INACTIVE,
    "8": _INACTIVE,
    "6": ("the balance is too low", "Top it up at the provider."),
    "7": _FORBIDDEN,
    "16": _FORBIDDEN,
    "prohibitedForAppError": _FORBIDDEN,
    "10": _MALFORMED,
    "requiredJsonError": _MALFORMED,
    "invalidSchemeError": _MALFORMED,
    "HTTP403": (
        "our address is not admitted",
        "Compare the outgoing address of each machine with the provider's list.",
    ),
}
"""What each means, and what to do, as docs/operate.md has it."""
_CALLBACK_REMEDIES = {
    "appKey": "Callbacks come with another appKey: set CALLBACK_APP_KEYS to the key that the "
    "application has at the provider.",
    "path": "Callbacks come to another path: compare the address at the provider with "
    "CALLBACK_PATH_SECRET.",
    "method": "Callbacks are not sent by POST: choose POST at the provider.",
}
_SECRET = "<CALLBACK_PATH_SECRET>"
"""Its name: the secret itself is never shown."""
_NONE_NEEDED = (
    "Logins need no callback; without one, a phone that is switched off is not recognized."
)
_NONE_REFUSED = "Since its processes began, this machine has refused no callback: none reaches it. "
_SOME_REFUSED = "If the log has lines `callback_refused`, they say why. Otherwise none reaches it. "
_TRY_ADDRESS = (
    "The provider has to send them to `POST {address}`. Try from outside: `curl -X POST {address} "
    "-d '{{}}'` has to answer 401, and log `callback_refused`. If it does, requests reach this "
    "service, and the address at the provider is wrong. If not, look at what is in front of the "
    "service: name, certificate, firewall, proxy."
)


def provider_fails(failing: ProviderFailing) -> Finding:
    """Return what to do about calls that failed in a row."""
    title, remedy, runbook = _assessed(failing)
    return Finding(
        Level.BAD, title, _calls(failing), remedy, "health", failing.since, runbook=runbook
    )


def _assessed(failing: ProviderFailing) -> tuple[str, str, str]:
    """Return the title, the remedy and the section of the runbook."""
    if ACCOUNT in failing.kinds:
        meaning, remedy = _ACCOUNT_CAUSES.get(failing.cause, ("", _ANY_CAUSE))
        title = f"The provider refuses our account: {meaning}".removesuffix(": ")
        return title, f"{remedy} {_RESUME}", _ACCOUNT_SECTION
    if set(failing.kinds) == {REFUSED}:
        return "The provider refuses every call", _ALL_REFUSED, _ACCOUNT_SECTION
    return "The provider fails", _FAILS, "verifybreakeropen"


def _calls(failing: ProviderFailing) -> str:
    """Return how many calls failed, and why."""
    reasons = ", ".join(f"{_REASONS.get(kind, kind)} {n}" for kind, n in failing.kinds.items())
    many = f"The last {number(failing.calls)} calls in a row failed"
    answer = f" The provider's answer: {_named(failing.cause)}." if failing.cause else ""
    return f"{'The last call failed' if failing.calls == 1 else many}: {reasons}.{answer}"


def _named(cause: str) -> str:
    if cause.isdigit():
        return f"errorCode {cause}"
    return cause.replace("HTTP", "HTTP ")


def callbacks_stopped(missing: CallbacksMissing, situation: Situation) -> Finding:
    """Return what to do about calls without a callback."""
    ring = (
        f"People log in all the same ({share(missing.approved, missing.calls)}), so phones ring."
        if missing.approved
        else "No login followed either, so it may be that no phone rings."
    )
    refused = situation.refused_callbacks or {}
    # A stranger's forged callback is no cause: as many would be refused as are missing.
    cause = [reason for reason, count in refused.items() if 2 * count >= missing.calls]
    remedies = [_CALLBACK_REMEDIES[reason] for reason in cause if reason in _CALLBACK_REMEDIES]
    counted = ", ".join(f"{reason} {number(count)}" for reason, count in refused.items())
    why = f" Refused since the processes began: {counted}." if refused else ""
    return Finding(
        Level.BAD,
        "The provider's callbacks do not arrive",
        f"The last {number(missing.calls)} calls have none. {ring} {_NONE_NEEDED}{why}",
        " ".join(remedies) or _try_address(situation),
        "health",
        missing.since,
        runbook="verifycallbacksrefused" if remedies else "verifycallbacksstopped",
    )


def _try_address(situation: Situation) -> str:
    address = "https://<host>/callbacks/flashcall"
    if situation.secret_callback_path:
        address += f"/{_SECRET}"
    none_refused = situation.refused_callbacks is not None and not situation.refused_callbacks
    begin = _NONE_REFUSED if none_refused else _SOME_REFUSED
    return begin + _TRY_ADDRESS.format(address=address)
