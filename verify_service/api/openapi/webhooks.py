"""The webhooks: what is posted to a login flow, and what its answer does."""

from __future__ import annotations

from typing import Any

from verify_service.api import vocabulary

Node = dict[str, Any]

_DESCRIPTION = """\
Posted to the address that the operator set for your app in `WEBHOOKS`, at least once, and signed \
as [Standard Webhooks](https://www.standardwebhooks.com) define it. Verify the signature over the \
body as it arrived. Events of one verification are sent in their order, one after the other. Drop \
a repeat by its `webhook-id`, and answer before you do what takes long. An event logs no one in."""
_ID = """\
The same at every try of one event, and another for each event: drop a repeat by it."""
_TIMESTAMP = """\
Unixtime in seconds of this try. Refuse one that is more than five minutes from your clock: \
somebody else may have kept the request."""
_SIGNATURE = """\
`v1,` and in base64 the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`, by the key in \
your `whsec_` secret. While the operator replaces the secret there are two, separated by a space; \
one that fits is enough."""
_EXAMPLES = {"verification.undelivered": "eventPhoneOff", "verification.approved": "eventApproved"}
_ANSWERS = {
    "2XX": "Accepted. The event is not sent again. The body of the response is ignored.",
    "410": "No event of your app is sent for a day, or until the operator switches the address on.",
    "default": "Not accepted, like no response at all; a redirect is not followed. The event is "
    "sent again after 5 seconds, 30 seconds, 2, 10 and 30 minutes, or later if `Retry-After` says "
    "so. Then it is dropped.",
}


def add_webhooks(document: Node) -> None:
    """Add a webhook for each type of event.

    Each is a reference to a component that has no further references to parameters: from any other
    form, openapi-generator makes a client that does not compile.
    """
    items = {name: {"post": _post(name, about)} for name, about in vocabulary.EVENTS.items()}
    document["components"]["pathItems"] = items
    document["webhooks"] = {name: _ref("pathItems", name) for name in items}


def _post(name: str, about: str) -> Node:
    example = _EXAMPLES.get(name)
    shown = {"examples": {example: _ref("examples", example)}} if example else {}
    media = {"schema": _ref("schemas", "VerificationEvent"), **shown}
    return {
        "operationId": f"receive{''.join(map(str.capitalize, name.split('.')))}",
        "summary": about,
        "description": _DESCRIPTION,
        "security": [],
        "parameters": [
            _header("webhook-id", _ID, minLength=1),
            _header("webhook-timestamp", _TIMESTAMP, pattern="^[0-9]+$"),
            _header("webhook-signature", _SIGNATURE, pattern="^v1,"),
        ],
        "requestBody": {"required": True, "content": {"application/json": media}},
        "responses": {http: {"description": text} for http, text in _ANSWERS.items()},
    }


def _header(name: str, description: str, **schema: Any) -> Node:
    return {
        "in": "header",
        "name": name,
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }


def _ref(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}
