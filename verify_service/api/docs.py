"""``/openapi.json``, the guide at ``/docs``, and the reference beside it.

Each page is rendered once, at its first request; rendering all of them takes 50 ms. Swagger UI
draws the reference; its files come from the package ``flask-swagger-ui``. Nothing comes from a
network.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup, escape
from werkzeug.exceptions import NotFound

from verify_service import __version__
from verify_service.api import default_limits, vocabulary
from verify_service.api.errors import ERRORS
from verify_service.api.openapi import document, text

_TEMPLATES = Path(__file__).parent / "templates"
_EXAMPLES = _TEMPLATES / "examples"
_OURS = ("docs.css", "docs.js", "reference.css", "reference.js")
_SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_CACHE = {"Cache-Control": "no-cache"}
"""A client may store the page, and revalidates it before each use."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; {more}"
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MARKUP = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"`(.+?)`"), r"<code>\1</code>"),
    (re.compile(r"\[([^\]]+)\]\((#[a-z]+)\)"), r'<a href="\2">\1</a>'),
)
"""The part of Markdown that the vocabulary, the templates and the table of errors use."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that stays the same as long as the process lives."""

    body: bytes
    content_type: str
    headers: Mapping[str, str]

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
    """Return the blueprint. It requires no key: no page contains a secret."""
    blueprint = Blueprint("docs", __name__, template_folder=str(_TEMPLATES))
    blueprint.add_app_template_filter(phrase)

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        """Return the OpenAPI document."""
        return _openapi().response()

    @blueprint.get("/docs")
    def guide() -> Response:
        """Return the guide, for people."""
        return _guide().response()

    @blueprint.get("/docs/reference")
    def reference() -> Response:
        """Return the page in which Swagger UI draws the document."""
        return _reference().response()

    @blueprint.get("/docs/<file>")
    def docs_file(file: str) -> Response:
        """Return a style sheet or a script of the two pages."""
        if file not in (*_OURS, *_SWAGGER_UI):
            raise NotFound
        return _file(file).response()

    return blueprint


@functools.cache
def _openapi() -> Page:
    return Page(text().encode(), "application/json", _CACHE)


@functools.cache
def _guide() -> Page:
    examples = document()["components"]["examples"]
    html = render_template(
        "docs.html",
        version=__version__,
        vocabulary=vocabulary,
        errors=ERRORS,
        defaults=default_limits.defaults(),
        limits=default_limits.limits(),
        examples={path.stem: path.read_text("utf-8") for path in _EXAMPLES.glob("*.txt")},
        bodies={name: _json(each["value"]) for name, each in examples.items()},
        verification_id=examples["placed"]["value"]["verificationId"],
    )
    return _html(html, _POLICY.format(more=""))


@functools.cache
def _reference() -> Page:
    # The page requests the document, and "Try it out" the operations of this service alone.
    policy = _POLICY.format(more="connect-src 'self'; ")
    return _html(render_template("reference.html", version=__version__), policy)


@functools.cache
def _file(name: str) -> Page:
    # Swagger UI is 1.9 MB: read at the first request, by a process that is asked for it.
    folder = _TEMPLATES if name in _OURS else _swagger_ui()
    return Page((folder / name).read_bytes(), _TYPES[Path(name).suffix], _CACHE)


def _swagger_ui() -> Path:
    """Return the folder with its files. Importing the package would read all metadata of it."""
    spec = find_spec("flask_swagger_ui")
    return Path(str(spec and spec.origin)).parent / "dist"


def _html(html: str, policy: str) -> Page:
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return Page(html.encode(), "text/html; charset=utf-8", _CACHE | headers)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def phrase(line: str) -> Markup:
    """Return the Markdown of one line as HTML."""
    html = str(escape(line))
    for pattern, replacement in _MARKUP:
        html = pattern.sub(replacement, html)
    return Markup(html)  # noqa: S704 - escaped above
