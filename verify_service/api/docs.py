"""``/openapi.json`` and ``/docs``: written once, when the service starts, then kept."""

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
from verify_service.api import default_limits as figures
from verify_service.api import kinds
from verify_service.api import vocabulary as words
from verify_service.api.openapi import TAGS, operations, text

_TEMPLATES = Path(__file__).parent / "templates"
_EXAMPLES = _TEMPLATES / "examples"
_CACHE = {"Cache-Control": "no-cache"}  # keep it, and ask whether it is still the same


_MARKS = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"`(.+?)`"), r"<code>\1</code>"),
    (re.compile(r"\[([^\]]+)\]\((#[a-z]+)\)"), r'<a href="\2">\1</a>'),
)
"""As much of Markdown as the words here and in the document use."""


@dataclass(frozen=True, slots=True)
class Page:
    """Bytes that stay the same as long as the process lives."""

    body: bytes
    content_type: str
    headers: dict[str, str]

    def answer(self) -> Response:
        """Return the page, or 304 to whoever has it already."""
        response = Response(self.body, content_type=self.content_type, headers=self.headers)
        response.set_etag(hashlib.sha256(self.body).hexdigest()[:32])
        # Only whether the reader has it: a precondition would be answered 412, without a `status`.
        if_none_match = request.headers.get("If-None-Match", "")
        response.make_conditional(
            {"REQUEST_METHOD": request.method, "HTTP_IF_NONE_MATCH": if_none_match}
        )
        return response


def pages_blueprint() -> Blueprint:
    """Return the blueprint. It asks for no key: nothing secret stands in either page."""
    blueprint = Blueprint("pages", __name__, template_folder=str(_TEMPLATES))
    blueprint.add_app_template_filter(prose)
    blueprint.add_app_template_filter(phrase)

    @blueprint.record_once
    def write(state: BlueprintSetupState) -> None:
        """While nobody waits: it takes a fifth of a second, once for a process."""
        with cast("Flask", state.app).app_context():
            _openapi()
            _docs()

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        """The OpenAPI document."""
        return _openapi().answer()

    @blueprint.get("/docs")
    def docs() -> Response:
        """The guide and the reference, for people."""
        return _docs().answer()

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
        words=words,
        kinds=kinds.KINDS,
        figures=figures.figures(),
        limits=figures.limits(),
        examples={path.stem: path.read_text("utf-8") for path in _EXAMPLES.glob("*.txt")},
        tags={tag: (about, list(operations(tag))) for tag, about in TAGS.items()},
    )
    headers = {"Content-Security-Policy": _policy(style), "Referrer-Policy": "no-referrer"}
    return Page(html.encode(), "text/html; charset=utf-8", _CACHE | headers)


def _policy(style: str) -> str:
    """Return a policy under which the page can load and run nothing but its own style."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def prose(text: str) -> Markup:
    """Return the little Markdown that the document's descriptions use as HTML."""
    blocks = [_block(block) for block in text.split("\n\n") if block]
    return Markup("").join(blocks)


def _block(block: str) -> Markup:
    if block.startswith("- "):
        items = [Markup("<li>{}</li>").format(phrase(item[2:])) for item in block.split("\n")]
        return Markup("<ul>{}</ul>").format(Markup("").join(items))
    return Markup("<p>{}</p>").format(phrase(block))


def phrase(line: str) -> Markup:
    """Return a piece of one line as HTML."""
    html = str(escape(line))
    for pattern, replacement in _MARKS:
        html = pattern.sub(replacement, html)
    return Markup(html)  # noqa: S704 - escaped above
