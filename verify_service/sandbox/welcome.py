"""The front page and the table of outcomes, both made from the table itself."""

from typing import Any

from verify_service.sandbox.outcomes import MAGIC_NUMBERS, ORDINARY, Outcome
from verify_service.sandbox.wire import PATH

_PAGE = """\
Simulator of the provider's Flash Call API. It rings nobody: the number decides what happens.

Place a call (the key is sandbox-access-key unless the simulator was started with another):

  curl -s {root}{path} \\
    -H 'X-Authorization: AccessKey sandbox-access-key' -H 'Content-Type: application/json' \\
    -d '{{"number": "79990000001", "code": 1234, "timeout": 30000}}'

See what happened:  curl -s {root}/sandbox/calls           (one number: ?number=79990000001)
Forget it:          curl -s -X DELETE {root}/sandbox/calls
This table as JSON: curl -s {root}/sandbox/outcomes

{table}

Any other number: {otherwise}.
"""


def front_page(root: str) -> str:
    """Plain text; `root` is the simulator's own address."""
    table = "\n".join(
        f"  +{number}  {outcome.name:<23}  {outcome.meaning}"
        for number, outcome in MAGIC_NUMBERS.items()
    )
    return _PAGE.format(root=root, path=PATH, table=table, otherwise=ORDINARY.meaning)


def outcome_table() -> dict[str, Any]:
    """Every magic number with its outcome, and what happens to the others."""
    return {
        "status": "ok",
        "outcomes": [
            {"number": f"+{number}", **_as_json(outcome)}
            for number, outcome in MAGIC_NUMBERS.items()
        ],
        "otherwise": _as_json(ORDINARY),
    }


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "outcome": outcome.name,
        "meaning": outcome.meaning,
        "httpStatus": outcome.refusal.http_status if outcome.refusal else 200,
        "answerAfter": outcome.answer_after,
        "callbacks": list(outcome.statuses),
        "callbackFirst": outcome.callback_first,
    }
