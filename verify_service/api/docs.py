"""``/openapi.json`` and ``/docs``: rendered once, when the service starts."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, Response, render_template, request
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup, escape

from verify_service import __version__
from verify_service.api import default_limits, vocabulary
from verify_service.api.errors import ERRORS
from verify_service.api.openapi import TAGS, operations, text

_TEMPLATES = Path(__file__).parent / "templates"
_EXAMPLES = _TEMPLATES / "examples"
_CACHE = {"Cache-Control": "no-cache"}
"""A client may store the page, and revalidates it before each use."""
_MARKUP = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"`(.+?)`"), r"<code>\1</code>"),
    (re.compile(r"\[([^\]]+)\]\((#[a-z]+)\)"), r'<a href="\2">\1</a>'),
)
"""The part of Markdown that the vocabulary, the templates and the document use."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that stays the same as long as the process lives."""

    body: bytes
    content_type: str
    headers: dict[str, str]

    def response(self) -> Response:
        """Return the page, or 304 if the client has it already."""
        response = Response(self.body, content_type=self.content_type, headers=self.headers)
        response.set_etag(hashlib.sha256(self.body).hexdigest()[:32])
        # If-None-Match alone: a failed If-Match would be a 412, which has no `status`.
        if_none_match = request.headers.get("If-None-Match", "")
        response.make_conditional(
            {"REQUEST_METHOD": request.method, "HTTP_IF_NONE_MATCH": if_none_match}
        )
        return response


def docs_blueprint() -> Blueprint:
    """Return the blueprint. It requires no key: neither page contains a secret."""
    blueprint = Blueprint("docs", __name__, template_folder=str(_TEMPLATES))
    blueprint.add_app_template_filter(prose)
    blueprint.add_app_template_filter(phrase)

    @blueprint.record_once
    def render(state: BlueprintSetupState) -> None:
        """Render both before the first request: it takes a fifth of a second."""
        with cast("Flask", state.app).app_context():
            _openapi()
            _docs()

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        """Return the OpenAPI document."""
        return _openapi().response()

    @blueprint.get("/docs")
    def docs() -> Response:
        """Return the guide and the reference, for people."""
        return _docs().response()

    return blueprint


@functools.cache
def _openapi() -> Page:
    return Page(text().encode(), "application/json", _CACHE)


@functools.cache
def _docs() -> Page:
    style = (_TEMPLATES / "docs.css").read_text("utf-8")
    html = render_template(
        "docs.html",
        style=Markup(style),  # noqa: S704 - a file of ours
        version=__version__,
        vocabulary=vocabulary,
        errors=ERRORS,
        defaults=default_limits.defaults(),
        limits=default_limits.limits(),
        examples={path.stem: path.read_text("utf-8") for path in _EXAMPLES.glob("*.txt")},
        tags={tag: (about, list(operations(tag))) for tag, about in TAGS.items()},
    )
    headers = {"Content-Security-Policy": _policy(style), "Referrer-Policy": "no-referrer"}
    return Page(html.encode(), "text/html; charset=utf-8", _CACHE | headers)


def _policy(style: str) -> str:
    """Return a policy that lets the page load its own style and nothing else, and run nothing."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def prose(text: str) -> Markup:
    """Return the Markdown of a description as HTML."""
    blocks = [_block(block) for block in text.split("\n\n") if block]
    return Markup("").join(blocks)


def _block(block: str) -> Markup:
    if block.startswith("- "):
        items = [Markup("<li>{}</li>").format(phrase(item[2:])) for item in block.split("\n")]
        return Markup("<ul>{}</ul>").format(Markup("").join(items))
    return Markup("<p>{}</p>").format(phrase(block))


def phrase(line: str) -> Markup:
    """Return the Markdown of one line as HTML."""
    html = str(escape(line))
    for pattern, replacement in _MARKUP:
        html = pattern.sub(replacement, html)
    return Markup(html)  # noqa: S704 - escaped above
