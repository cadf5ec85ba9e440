"""The Flask application: its settings, and shortcuts for what we do not use of Flask."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import MapAdapter


class _Json(DefaultJSONProvider):
    """Writes JSON in the order of the fields: ``status`` comes first.

    The encoder is made once. ``json.dumps`` would make one for each response.
    """

    _encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

    def dumps(self, obj: Any, **_: Any) -> str:
        """Return JSON without blanks."""
        return self._encoder.encode(obj)


class Application(Flask):
    """A Flask application whose views are plain functions."""

    json_provider_class = _Json

    def __init__(self) -> None:
        super().__init__("verify_service", static_folder=None)
        self.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # an answer without a `status`
        self.url_map.merge_slashes = False  # a redirect would repeat the query, with the key in it

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the adapter that finds the view of a request, by its path alone.

        Flask would parse the Host header twice.
        """
        if request is None:
            return None
        return self.url_map.bind("", path_info=request.path, default_method=request.method)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function. Flask would check at each call whether it is a coroutine."""
        return func
