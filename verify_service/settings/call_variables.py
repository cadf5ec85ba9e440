"""The variables of the calls: the provider, its callbacks, and the numbers that may be called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import SplitResult

from verify_service.domain.limits import LONGEST_BREAKER_PAUSE_SECONDS, NumberLimits
from verify_service.domain.models import Window
from verify_service.domain.numbers import ANY_COUNTRY, GLOBAL_REGION
from verify_service.domain.prices import Prices
from verify_service.domain.test_numbers import TestNumber
from verify_service.settings import parsers
from verify_service.settings.addresses import CALL_PATH, base_url, proxy_url
from verify_service.settings.credentials import header_text, path_secret, secrets
from verify_service.settings.scalars import DecimalNumber, WholeNumber, Word, text_or_none
from verify_service.settings.server_variables import DEFAULT_THREADS
from verify_service.settings.service_variables import TOKEN_BYTES
from verify_service.settings.variable import variable

AUTH_FORMS = (
    "x-accesskey",
    "x-basic",
    "x-bearer",
    "raw",
    "basic",
    "basic-pair",
    "accesskey",
    "query",
)
"""The ways of sending the provider's token; ``provider/flash_call.py`` has each by its name."""
SANDBOX_PREFIX = "sandbox-"
"""The simulator's keys start with this, so that production, which must place real calls, can refuse
them. The test keys of card processors work the same way."""
LEAST_IN_FLIGHT = 32
"""The least default of PROVIDER_MAX_IN_FLIGHT, where THREADS allows it."""
LONGEST_DEADLINE = 20
"""The most seconds of PROVIDER_DEADLINE: a start must end within the 25 that SIGTERM leaves it."""
LONGEST_GRACE = 3600
"""The most seconds of CALLBACK_GRACE. Callbacks come within seconds; more is another unit."""
LONGEST_TEST = timedelta(days=90)
"""How far ahead the last day of a test number may be in production, so that none is forgotten."""


def default_in_flight(threads: int) -> int:
    """Return the default of PROVIDER_MAX_IN_FLIGHT. It is less than the number of threads."""
    return min(max(LEAST_IN_FLIGHT, threads // 2), threads - 1)


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """How the provider is asked to place a call."""

    provider_url: str = variable(
        base_url,
        f"The provider's base URL, to which {CALL_PATH} is added.",
        unit="address",
        default="https://cpaas.mittoapi.net/api",
    )
    provider_access_key: str = variable(
        header_text,
        "The provider's token. Production refuses the simulator's.",
        unit="text",
        default=None,
        development=f"{SANDBOX_PREFIX}access-key",
        secret=True,
    )
    provider_auth: str = variable(
        Word(AUTH_FORMS),
        """
        How the token is sent:
            x-accesskey  X-Authorization: AccessKey <token>
            x-basic      X-Authorization: Basic <token>
            x-bearer     X-Authorization: Bearer <token>
            raw          Authorization: <token>, which may begin with a scheme
            basic        Authorization: Basic <token>
            basic-pair   Authorization: Basic, and in base64 the token, which is user:password
            accesskey    Authorization: AccessKey <token>
            query        ?X-Authorization=AccessKey%20<token>
        """,
        default=AUTH_FORMS[0],
    )
    provider_proxy: SplitResult | None = variable(
        proxy_url,
        """
        An HTTP proxy through which every call is requested, for platforms whose outgoing addresses
        change: the provider admits calls by address. Percent-encode user and password. One of
        these forms:
            http://[user:password@]host[:port]     https:// for TLS to the proxy
        The provider's certificate is verified through it. Proxy variables of other programs, for
        example HTTPS_PROXY, have no effect.
        """,
        unit="address",
        default="",
        secret=True,
    )
    provider_ca_file: str | None = variable(
        text_or_none,
        """
        The path of a PEM file that contains the authority that signed the provider's certificate,
        or a self-signed certificate itself; also for an https:// proxy. Without a file, the
        authorities of the package certifi are trusted.
        """,
        unit="path",
        default="",
    )
    provider_call_timeout_ms: int = variable(
        WholeNumber(1, 300_000),
        "How long the phone may ring.",
        unit="milliseconds",
        default="30000",
    )
    provider_connect_timeout: float = variable(
        DecimalNumber(0.01, LONGEST_DEADLINE),
        """
        The time to connect to one address of the provider, or of its proxy; as much again for its
        TLS; and, with a proxy, as much again for CONNECT and the provider's TLS.
        """,
        unit="seconds",
        default="3",
    )
    provider_deadline: float = variable(
        DecimalNumber(0.05, LONGEST_DEADLINE),
        """
        The wall-clock time for the whole exchange with the provider. A start must end within the
        25 seconds that SIGTERM leaves it.
        """,
        unit="seconds",
        default=f"{NumberLimits().deadline:g}",
    )
    provider_max_in_flight: int = variable(
        WholeNumber(1),
        """
        The most starts that a process has in flight. It must be less than THREADS, so that a
        provider that hangs never stops checks.
        """,
        unit="starts",
        default=str(default_in_flight(DEFAULT_THREADS)),
        default_in_words=f"half of THREADS, at least {LEAST_IN_FLIGHT} where THREADS allows it",
    )
    provider_breaker: Window | None = variable(
        parsers.breaker,
        f"""
        After so many failures in a row of the account or of the way to the provider, calls are
        paused for so many seconds (503 with Retry-After). Then one start at a time tries, and each
        that fails doubles the pause, up to {LONGEST_BREAKER_PAUSE_SECONDS} seconds.
        {parsers.NEVER}: calls are never paused. That is the default of development, where the
        simulator's numbers choose to fail.
        """,
        unit="<failures>/<seconds>",
        default="5/10",
        development=parsers.NEVER,
    )


@dataclass(frozen=True, kw_only=True)
class CallbackSettings:
    """How the provider's callbacks are recognized."""

    callback_app_keys: tuple[bytes, ...] = variable(
        secrets,
        """
        The appKey of the provider's callbacks; several while it changes. Production refuses the
        simulator's.
        """,
        unit="text; several are comma-separated",
        default=None,
        development=f"{SANDBOX_PREFIX}app-key",
        secret=True,
    )
    callback_path_secret: str | None = variable(
        path_secret,
        "The last part of the callback's path: /callbacks/flashcall/<secret>.",
        unit="text",
        default="",
        secret=True,
        least_bytes=TOKEN_BYTES,
    )
    callback_grace: int = variable(
        WholeNumber(0, LONGEST_GRACE),
        "How long after the call's timeout a call without a callback starts to read unconfirmed.",
        unit="seconds",
        default="30",
    )


@dataclass(frozen=True, kw_only=True)
class DestinationSettings:
    """Which numbers may be called."""

    allowed_countries: frozenset[str] = variable(
        parsers.countries,
        f"""
        The countries that may be called, or {ANY_COUNTRY} for every country. {GLOBAL_REGION} adds
        the ranges that belong to no country (satellite, global services). A country whose numbers
        are all counted as another one's is refused, for example MF, whose mobile numbers are GP's.
        Production has no default, because each country has a price of its own.
        """,
        unit="ISO 3166 codes, comma-separated",
        default=None,
        development=ANY_COUNTRY,
        example="RU,KZ",
    )
    allowed_number_types: frozenset[str] = variable(
        parsers.number_types,
        """
        The types of numbers that may be called, as phonenumbers names them: MOBILE,
        FIXED_LINE_OR_MOBILE, FIXED_LINE, VOIP, PREMIUM_RATE …
        """,
        unit="types, comma-separated",
        default="MOBILE,FIXED_LINE_OR_MOBILE",
    )
    call_price: Prices = variable(
        parsers.call_price,
        f"""
        What a call costs, by country, in a currency of your own; {ANY_COUNTRY} stands for the other
        countries. /console shows what was spent, and for each login. Nothing is limited by it. An
        example of the value:
            RU:0.9,*:2.5
        """,
        unit="<country>:<price>, comma-separated",
        default="",
    )
    test_numbers: tuple[TestNumber, ...] = variable(
        parsers.test_numbers,
        f"""
        Test numbers, for the automated tests of your login and for the reviewers of an app store.
        An example of the value:
            +15550100001=4321@2027-01-31
        No call is placed to such a number, and its code is the given one. Every budget applies,
        and answers and logs are marked. The number need not exist, and its country need not be
        allowed. After its last day (UTC) it is treated like any other number. In production the
        last day is at most {LONGEST_TEST.days} days ahead. A test number is a way to log in
        without a phone: choose numbers that belong to no account.
        """,
        unit="<number>=<code>@<yyyy-mm-dd>, comma-separated",
        default="",
        secret=True,
    )
