"""Puts the application together, and nothing else."""

from __future__ import annotations

import redis
from flask import Flask

from verify_service import logs
from verify_service.advice import Timing
from verify_service.api import errors, request_log
from verify_service.api.auth import access_key_guard
from verify_service.api.body import LARGEST
from verify_service.api.callbacks import callbacks_blueprint
from verify_service.api.context import EXTENSION, Context
from verify_service.api.operations import operations_blueprint
from verify_service.api.pages import pages_blueprint
from verify_service.api.verify import verify_blueprint
from verify_service.breaker import Breaker
from verify_service.codes import CodeDigester
from verify_service.fixed_codes import FixedCodes
from verify_service.guards.hand import Hand
from verify_service.guards.limits import DESTINATION
from verify_service.idempotency import Claims
from verify_service.ids import IdMint
from verify_service.journal import LogJournal
from verify_service.metrics import Metrics
from verify_service.policy import IN_FLIGHT_SLACK
from verify_service.provider.flashcall import FlashCallConfig, FlashCallProvider
from verify_service.repeats import Repeats
from verify_service.settings import Settings
from verify_service.store.breaker import RedisBreaker
from verify_service.store.claims import RedisClaims
from verify_service.store.connection import connect
from verify_service.store.hand import RedisHand
from verify_service.store.verifications import RedisStore
from verify_service.verification import Verifications


def create_app(settings: Settings, client: redis.Redis | None = None) -> Flask:
    """Return the WSGI application. Nothing is connected before the first request.

    Args:
        settings: What the environment said.
        client: A Redis client that decodes responses, where the URL of the settings is not to
            be used (a fake, in tests).
    """
    logs.configure(settings.log_level)
    app = Flask("verify_service", static_folder=None)
    # One byte more than a body may have: of one that came in chunks werkzeug reads this much and
    # says nothing of the rest.
    app.config["MAX_CONTENT_LENGTH"] = LARGEST + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # an answer without a `status`
    app.url_map.merge_slashes = False  # a redirect would repeat the query, with the key in it
    app.json.sort_keys = False  # type: ignore[attr-defined]  # `status` comes first
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions[EXTENSION] = _context(settings, client or _client(settings))
    request_log.install(app)
    errors.install(app)
    guard = access_key_guard(settings.access_keys, in_query=settings.access_key_in_query)
    app.register_blueprint(verify_blueprint(guard))
    app.register_blueprint(
        callbacks_blueprint(settings.callback_app_keys, settings.callback_path_secret)
    )
    app.register_blueprint(
        operations_blueprint(settings.metrics_token, production=settings.production)
    )
    app.register_blueprint(pages_blueprint())
    return app


def create_hand(settings: Settings, client: redis.Redis | None = None) -> Hand:
    """Return what the command line works with, over the same Redis."""
    client = client or _client(settings)
    ids = IdMint(settings.number_secret)
    return Hand(
        store=RedisHand(client, ids, settings.policy, settings.wide_policy),
        breaker=_breaker(settings, client, ids),
        policy=settings.wide_policy,
        destinations=settings.destinations,
        test_numbers=frozenset(fixed.number for fixed in settings.test_numbers),
        apps=sorted({key.app for key in settings.access_keys}),
    )


def _context(settings: Settings, client: redis.Redis) -> Context:
    metrics = Metrics()
    journal = LogJournal(metrics)
    ids = IdMint(settings.number_secret)
    store = RedisStore(client, ids, settings.policy, settings.wide_policy, journal.noticed)
    verifications = Verifications(
        store=store,
        provider=FlashCallProvider(_provider(settings)),
        journal=journal,
        destinations=settings.destinations,
        fixed_codes=FixedCodes(settings.test_numbers),
        ids=ids,
        digester=CodeDigester(settings.code_secret),
        timing=_timing(settings),
        breaker=Breaker(_breaker(settings, client, ids)),
        try_destinations=DESTINATION in settings.guards_dry_run,
    )
    claims = Claims(RedisClaims(client, settings.policy), settings.number_secret)
    return Context(verifications, Repeats(verifications, claims, store, journal), metrics)


def _timing(settings: Settings) -> Timing:
    return Timing(
        placing=round(settings.provider_deadline * 1000),
        confirming=settings.provider_call_timeout_ms + settings.callback_grace * 1000,
        in_flight=round((settings.provider_deadline + IN_FLIGHT_SLACK) * 1000),
    )


def _breaker(settings: Settings, client: redis.Redis, ids: IdMint) -> RedisBreaker | None:
    policy = settings.wide_policy
    return RedisBreaker(client, ids, policy) if policy.breaker else None


def _provider(settings: Settings) -> FlashCallConfig:
    return FlashCallConfig(
        url=settings.provider_url,
        access_key=settings.provider_access_key,
        auth=settings.provider_auth,
        call_timeout=settings.provider_call_timeout_ms,
        connect_timeout=settings.provider_connect_timeout,
        deadline=settings.provider_deadline,
        max_in_flight=settings.provider_max_in_flight,
    )


def _client(settings: Settings) -> redis.Redis:
    return connect(
        settings.redis_url,
        pool=settings.redis_pool,
        timeout=settings.redis_timeout,
        ca_file=settings.redis_ca_file,
        verify=settings.redis_verify,
    )
