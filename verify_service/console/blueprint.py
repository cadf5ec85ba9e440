"""``/console``: signing in, the page, the last attempts, and one verification's timeline.

Read-only. Every answer is HTML for a browser; nothing is stored by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import structlog
from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, HTTPException

from verify_service.console import charts, figures
from verify_service.console import overview as views
from verify_service.console.reading import Sources, read
from verify_service.console.session import COOKIE, SESSION_SECONDS, Sessions
from verify_service.domain.errors import StoreUnavailable, VerificationNotFound
from verify_service.domain.numbers import mask
from verify_service.domain.operator import Operator

PATH = "/console"
ATTEMPTS, SIGN_OUT, STYLE = f"{PATH}/attempts", f"{PATH}/sign-out", f"{PATH}/console.css"
MAX_FORM_BYTES = 4 * 1024
"""The form has one field."""
_COOKIE_FLAGS: dict[str, Any] = {"secure": True, "httponly": True, "samesite": "Strict"}
_REFUSED_HINT = (
    "Someone sent a wrong token to /console. If it was not you: the right one has at least 16 "
    "bytes, so it is not guessed; replace CONSOLE_TOKEN if it may be known."
)
_STYLE = (Path(__file__).parent / "static" / "console.css").read_bytes()
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_SENTENCES = {
    400: "The form did not arrive whole, or not in time.",
    404: "There is no such page.",
    405: "This page cannot be asked for in this way.",
    413: "The form is too large.",
}

log = structlog.get_logger()

View = Callable[[], ResponseReturnValue]


def console_blueprint(token: str | None, sources: Sources) -> Blueprint:
    """Return the blueprint.

    Args:
        token: CONSOLE_TOKEN. Without one every page is 404.
        sources: What the pages are read from.
    """
    blueprint = Blueprint("console", __name__, template_folder="templates")
    blueprint.after_request(_with_headers)
    blueprint.register_error_handler(HTTPException, _error)
    allowed: dict[str, str] = {}
    if token is not None:
        sessions = Sessions(token)
        _add_pages(blueprint, sessions, sources)
        _add_signing_in(blueprint, sessions, sources.operator)
        allowed = {
            PATH: "GET, HEAD, POST",
            ATTEMPTS: "GET, HEAD",
            STYLE: "GET, HEAD",
            SIGN_OUT: "POST",
        }

    def other(**_: str) -> ResponseReturnValue:
        """Answer what no page does. An error of the routing would be JSON."""
        if request.path not in allowed:
            abort(404)
        return _message(405, {"Allow": allowed[request.path]})

    for rule in (PATH, f"{PATH}/", f"{PATH}/<path:rest>"):
        blueprint.add_url_rule(rule, view_func=other, methods=_METHODS)
    return blueprint


def _add_pages(blueprint: Blueprint, sessions: Sessions, sources: Sources) -> None:
    def signed_in(view: View) -> View:
        """Show the form instead of a page, unless the request has an open session."""

        @wraps(view)
        def guarded() -> ResponseReturnValue:
            if sessions.is_open(request.cookies.get(COOKIE)):
                return view()
            return _page("sign_in")

        return guarded

    @blueprint.get(STYLE)
    def style() -> ResponseReturnValue:
        """Return the style. It requires no session: the form uses it too."""
        return Response(_STYLE, content_type="text/css; charset=utf-8")

    @blueprint.get(PATH)
    @signed_in
    def overview() -> ResponseReturnValue:
        """Show whether it works, for whom it does not, what is refused, and what it costs."""
        page = views.overview(read(sources))
        return _page("overview", page=page, prices=sources.prices)

    @blueprint.get(ATTEMPTS)
    @signed_in
    def attempts() -> ResponseReturnValue:
        """Show the last verifications, or one of them by its id."""
        wanted = request.args.get("id", "").strip()
        timeline = sources.operator.timeline
        try:
            if not wanted:
                return _page("attempts", attempts=timeline.attempts())
            found = timeline.find(wanted)
        except StoreUnavailable as error:
            return _page("attempts", attempts=(), problem=f"Redis {error.state}.")
        except VerificationNotFound:
            return _page("attempt", found=None), 404
        known = found.attempt or found.verification
        return _page("attempt", found=found if known else None), 200 if known else 404


def _add_signing_in(blueprint: Blueprint, sessions: Sessions, operator: Operator) -> None:
    @blueprint.post(PATH)
    def sign_in() -> ResponseReturnValue:
        """Begin a session for the right token, however many wrong ones there were."""
        given = _given_token()
        if not sessions.is_token(given):
            return _refuse(operator)
        response = redirect(PATH, 303)
        response.set_cookie(
            COOKIE, sessions.begin(), max_age=SESSION_SECONDS, path=PATH, **_COOKIE_FLAGS
        )
        log.info("console_signed_in")
        return response

    @blueprint.post(SIGN_OUT)
    def sign_out() -> ResponseReturnValue:
        """Have the browser forget the session."""
        response = redirect(PATH, 303)
        response.delete_cookie(COOKIE, path=PATH, **_COOKIE_FLAGS)
        return response


def _refuse(operator: Operator) -> ResponseReturnValue:
    """Count a wrong token. Without Redis it cannot be counted, and is wrong all the same."""
    try:
        wrong = operator.count_wrong_token()
    except StoreUnavailable:
        wrong = None
    too_many = wrong is not None and wrong.too_many
    log.warning("console_token_refused", too_many=too_many, hint=_REFUSED_HINT)
    if wrong is not None and too_many:
        page = _page("sign_in", wrong=True, seconds=wrong.seconds)
        return page, 429, {"Retry-After": str(wrong.seconds)}
    return _page("sign_in", wrong=True), 401


def _page(name: str, **content: Any) -> str:
    return render_template(
        f"console/{name}.html",
        path=PATH,
        figures=figures,
        views=views,
        height=charts.HEIGHT,
        labels_height=charts.LABELS_HEIGHT,
        mask=mask,
        **content,
    )


def _message(code: int, headers: Mapping[str, str] | None = None) -> Response:
    sentence = _SENTENCES.get(code, "This cannot be answered.")
    return Response(
        _page("message", code=code, sentence=sentence),
        code,
        headers,
        content_type="text/html; charset=utf-8",
    )


def _error(error: HTTPException) -> ResponseReturnValue:
    return _message(error.code or 500)


def _with_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


def _given_token() -> str:
    """Return the token of the form. A form that cannot be read is 400 or 413."""
    request.max_content_length = MAX_FORM_BYTES
    try:
        return request.form.get("token", "")
    except HTTPException:
        raise
    except Exception as error:  # each server raises its own errors for malformed chunks
        raise BadRequest from error
