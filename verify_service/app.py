"""Puts the application together, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Flask

from verify_service.api import error_responses
from verify_service.api.application import Application
from verify_service.api.auth import access_key_guard
from verify_service.api.callbacks import callbacks_blueprint
from verify_service.api.context import EXTENSION, Context
from verify_service.api.docs import docs_blueprint
from verify_service.api.events import event as event_json
from verify_service.api.operations import operations_blueprint
from verify_service.api.request_log import RequestLog
from verify_service.api.verify import verify_blueprint
from verify_service.console.blueprint import console_blueprint
from verify_service.console.reading import Sources
from verify_service.domain.check_result import CheckResult, Severity
from verify_service.domain.codes import CodeDigester
from verify_service.domain.events import TRY_SECONDS, Event
from verify_service.domain.idempotency import IdempotencyKeys
from verify_service.domain.ids import VerificationIds
from verify_service.domain.limits import DESTINATION, IN_FLIGHT_MARGIN_SECONDS
from verify_service.domain.next_action import Timing, view_of
from verify_service.domain.operator import Operator
from verify_service.domain.outboxes import Trial
from verify_service.domain.ports import Provider, WebhookLog
from verify_service.domain.test_numbers import TestNumbers
from verify_service.domain.verification import Verifications
from verify_service.provider.call_provider import CallProvider
from verify_service.provider.flash_call import FlashCall
from verify_service.server import background
from verify_service.settings.settings import Settings, SettingsError
from verify_service.settings.webhook_variables import WebhookAddress
from verify_service.store.connection.client import Client, connect
from verify_service.store.functions import Called, Functions
from verify_service.store.inspection import inspect
from verify_service.store.libraries import keep_three
from verify_service.store.operator import RedisOperator
from verify_service.store.outbox import OutboxOperator, RedisOutbox
from verify_service.store.policy import encode
from verify_service.store.statistics import RedisStatistics
from verify_service.store.verifications import RedisStore
from verify_service.telemetry import logs, metrics_folder
from verify_service.telemetry.canonical_line import CanonicalLine
from verify_service.telemetry.events import StructuredEventLog
from verify_service.telemetry.metrics import CONTENT_TYPE as METRICS_CONTENT_TYPE
from verify_service.telemetry.metrics import Metrics
from verify_service.telemetry.shared_metrics import MetricsPage
from verify_service.telemetry.webhook_log import StructuredWebhookLog
from verify_service.transport.client import HttpClient
from verify_service.transport.route import Route, connection_problem
from verify_service.webhooks.dispatcher import Dispatcher
from verify_service.webhooks.receiver import Receiver
from verify_service.webhooks.trial import try_receiver


def create_app(
    settings: Settings, client: Client | None = None, provider: Provider | None = None
) -> Flask:
    """Return the WSGI application. Nothing is connected before the first request.

    Args:
        settings: What the environment said.
        client: Used in place of REDIS_URL.
        provider: Used in place of the Flash Call API.
    """
    logs.configure(settings.log_level)
    app = Application()
    line, metrics = CanonicalLine(), _metrics()
    events = StructuredEventLog(metrics, line)
    client = client or connection(settings, events.waited_for_redis)
    functions = _functions(settings, client, events.redis_called)
    dispatcher = _dispatcher(settings, functions, StructuredWebhookLog(metrics))
    verifications = _verifications(
        settings, functions, provider or _provider(settings), events, dispatcher
    )
    app.extensions[background.EXTENSION] = dispatcher
    operator = create_operator(settings, client)
    page = MetricsPage(metrics, verifications.readiness, operator)
    app.extensions[EXTENSION] = Context(verifications, page.render, METRICS_CONTENT_TYPE, line)
    app.wsgi_app = RequestLog(  # type: ignore[method-assign]
        app.wsgi_app, line, events.request_answered
    )
    error_responses.install(app)
    guard = access_key_guard(settings.access_keys, in_query=settings.access_key_in_query)
    app.register_blueprint(verify_blueprint(guard))
    app.register_blueprint(
        callbacks_blueprint(settings.callback_app_keys, settings.callback_path_secret)
    )
    app.register_blueprint(
        operations_blueprint(settings.metrics_token, production=settings.production)
    )
    app.register_blueprint(docs_blueprint())
    sources = Sources(
        operator=operator,
        readiness=verifications.readiness,
        secret_callback_path=settings.callback_path_secret is not None,
        memory=verifications.store.memory,
        prices=settings.call_price,
        ringing_seconds=settings.provider_call_timeout_ms / 1000,
        redis_answered_at=events.redis_answered_at,
        warned_since=events.warned_since,
        refused_callbacks=metrics.refused_callbacks,
    )
    app.register_blueprint(console_blueprint(settings.console_token, sources))
    return app


def create_operator(settings: Settings, client: Client | None = None) -> Operator:
    """Return what the command line works with, over the same Redis."""
    ids = VerificationIds(settings.number_secret)
    functions = _functions(settings, client or connection(settings))
    statistics = RedisStatistics(functions, ids)
    return Operator(
        store=RedisOperator(functions, ids, settings.number_limits, settings.wide_limits),
        limits=settings.wide_limits,
        destinations=settings.destinations,
        test_numbers=frozenset(fixed.number for fixed in settings.test_numbers),
        apps=sorted({key.app for key in settings.access_keys}),
        counts=statistics,
        timeline=statistics,
        outboxes=OutboxOperator(functions, ids),
        receiving=sorted(settings.webhooks),
    )


def check_redis(settings: Settings, connections: int) -> Iterator[CheckResult]:
    """Check Redis before a release; if it can serve, load this release's functions there.

    Args:
        settings: Which Redis, and the limits that its functions enforce.
        connections: How many the processes may open at most.

    Raises:
        SettingsError: REDIS_CA_FILE is not usable.
    """
    with connection(settings) as client:
        functions = _functions(settings, client)
        results = list(inspect(functions, connections))
        yield from results
        if all(result.severity is not Severity.ERROR for result in results):
            yield from keep_three(functions)


def provider_problem(settings: Settings) -> str | None:
    """Open a connection to the provider and close it. No call is placed.

    Returns:
        A sentence that says what cannot be reached, and why; None if the connection opened.

    Raises:
        SettingsError: PROVIDER_CA_FILE is not usable.
    """
    return connection_problem(_route(settings), settings.provider_deadline)


def receiver_problem(address: WebhookAddress) -> str | None:
    """Open a connection to a receiver of events and close it. No event is posted.

    Returns:
        As ``provider_problem`` does.
    """
    return connection_problem(Receiver(address.url, address.secrets).route, TRY_SECONDS)


def try_webhook(settings: Settings, app: str) -> Trial:
    """Post a test event to the address of an app, which has one."""
    (address,) = (each for each in settings.webhook_addresses if each.app == app)
    receiver = Receiver(address.url, address.secrets)
    return try_receiver(app, receiver, _event_body(settings))


def check_metrics_folder() -> Iterator[CheckResult]:
    """Check the folder of the metrics, if the environment names one; create it if it is missing."""
    try:
        metrics_folder.require_writable()
    except metrics_folder.FolderError as error:
        yield CheckResult(Severity.ERROR, "Settings", str(error))


def _metrics() -> Metrics:
    try:
        metrics_folder.require_writable()
    except metrics_folder.FolderError as error:
        raise SettingsError(str(error)) from None
    return Metrics()


def _verifications(
    settings: Settings,
    functions: Functions,
    provider: Provider,
    events: StructuredEventLog,
    dispatcher: Dispatcher,
) -> Verifications:
    ids = VerificationIds(settings.number_secret)
    return Verifications(
        store=RedisStore(
            functions,
            ids,
            settings.wide_limits,
            events.noticed,
            webhook_apps=settings.webhooks.keys(),
            events_added=dispatcher.added,
        ),
        provider=provider,
        events=events,
        destinations=settings.destinations,
        test_numbers=TestNumbers(settings.test_numbers),
        ids=ids,
        digester=CodeDigester(settings.code_secret),
        idempotency=IdempotencyKeys(settings.number_secret),
        timing=_timing(settings),
        destinations_dry_run=DESTINATION in settings.guards_dry_run,
    )


def _dispatcher(settings: Settings, functions: Functions, log: WebhookLog) -> Dispatcher:
    receivers = {each.app: Receiver(each.url, each.secrets) for each in settings.webhook_addresses}
    return Dispatcher(RedisOutbox(functions), receivers, _event_body(settings), log)


def _event_body(settings: Settings) -> Callable[[Event], bytes]:
    timing = _timing(settings)

    def body(event: Event) -> bytes:
        return event_json(event.type, event.at, view_of(event.verification, timing))

    return body


def _functions(settings: Settings, client: Client, called: Called | None = None) -> Functions:
    policy = encode(settings.number_limits, settings.wide_limits)
    return Functions(client, policy, called) if called else Functions(client, policy)


def _timing(settings: Settings) -> Timing:
    return Timing(
        placing=round(settings.provider_deadline * 1000),
        confirming=settings.provider_call_timeout_ms + settings.callback_grace * 1000,
        in_flight=round((settings.provider_deadline + IN_FLIGHT_MARGIN_SECONDS) * 1000),
    )


def _provider(settings: Settings) -> Provider:
    dialect = FlashCall(
        url=settings.provider_url,
        access_key=settings.provider_access_key,
        auth=settings.provider_auth,
        call_timeout=settings.provider_call_timeout_ms,
    )
    client = HttpClient(dialect.endpoint, _route(settings), settings.provider_deadline)
    return CallProvider(dialect, client, settings.provider_max_in_flight)


def _route(settings: Settings) -> Route:
    try:
        return Route(
            settings.provider_url,
            settings.provider_connect_timeout,
            settings.provider_proxy and settings.provider_proxy.geturl(),
            settings.provider_ca_file,
        )
    except OSError as error:
        words = "PROVIDER_CA_FILE: Must be the path of a PEM file with certificates."
        raise SettingsError(words) from error


def connection(settings: Settings, waited: Callable[[float], None] = lambda _: None) -> Client:
    """Return the client that the settings describe; nothing is opened before its first command.

    Args:
        settings: Which Redis.
        waited: Called with the seconds of each wait for a connection.

    Raises:
        SettingsError: There is no certificate in the file of the authority.
    """
    try:
        return connect(
            settings.redis_url,
            pool=settings.redis_pool,
            timeout=settings.redis_timeout,
            ca_file=settings.redis_ca_file,
            verify=settings.redis_verify,
            waited=waited,
        )
    except OSError as error:
        words = "REDIS_CA_FILE: Must be the path of a PEM file with certificates."
        raise SettingsError(words) from error
