"""The front page and the table of outcomes, all made from the table itself."""

from typing import Any

from verify_service.sandbox.outcomes import Outcome
from verify_service.sandbox.table import ORDINARY, Table
from verify_service.sandbox.wire import PATH

_PAGE = """\
Simulator of the provider's Flash Call API. It rings nobody: the number decides what happens.

Place a call (the key is sandbox-access-key unless the simulator was started with another):

  curl -s {root}{path} \\
    -H 'X-Authorization: AccessKey sandbox-access-key' -H 'Content-Type: application/json' \\
    -d '{{"number": "79990000001", "code": 1234, "timeout": 30000}}'

Watch it ring, in a browser: {root}/phone

See what happened

  GET    /sandbox/calls               every call with its callbacks; the newest is the last
           ?number=79990000001        to one number, in any spelling
           &after=<cursor>            only what came after it; each answer and each call has one
           &wait=5                    wait for it, 30 s at most
           &callbacks=1               calls that had a callback sent
  GET    /sandbox/calls/<requestId>   one call; a number stands for its newest
  GET    /sandbox/outcomes            the table below as JSON

Say what is to happen (JSON, with Content-Type: application/json)

  POST   /sandbox/next                the next call to a number does as it is told, once
           {{"number": "+79161234567", "outcome": "UNAVAILABLE", "times": 1}}
           number: or "*", or none, for any. outcome: a name of the table. Or, and in addition:
           answerAfter, callbackAfter (seconds), statuses, timestamps (of its callbacks),
           from, requestId (null leaves it out), httpStatus, headers, body (of its answer)
  GET    /sandbox/next                what is still to be taken; a call takes the oldest that fits
  DELETE /sandbox/next                forget it
  POST   /sandbox/callbacks           send a callback now
           {{"call": "<requestId, or a number>", "status": "ANSWERED"}}
           and to make it lie: timestamp, appKey, number, requestId
  DELETE /sandbox/calls               forget the calls
  POST   /sandbox/reset               forget everything, callbacks that are still to come included

  curl -s {root}/sandbox/next -H 'Content-Type: application/json' \\
    -d '{{"number": "+79161234567", "outcome": "UNAVAILABLE"}}'
  curl -s '{root}/sandbox/calls?number=79990000001&wait=5'
  curl -s -X POST {root}/sandbox/reset

Numbers

{table}

Any other number: {otherwise}.
"""


def front_page(table: Table, root: str) -> str:
    """Plain text; `root` is the simulator's own address."""
    lines = "\n".join(
        f"  +{number}  {outcome.name:<24}  {outcome.meaning}"
        for number, outcome in table.numbers.items()
    )
    return _PAGE.format(root=root, path=PATH, table=lines, otherwise=ORDINARY.meaning)


def outcome_table(table: Table) -> dict[str, Any]:
    """Every magic number with its outcome, and what happens to the others."""
    return {
        "status": "ok",
        "outcomes": [
            {"number": f"+{number}", **outcome.as_json()}
            for number, outcome in table.numbers.items()
        ],
        "otherwise": ORDINARY.as_json(),
    }


def markdown(table: Table) -> str:
    """The table for the documentation."""
    rows = [_row(number, outcome) for number, outcome in table.numbers.items()]
    head = ["| number | outcome | what happens | callbacks |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _row(number: str, outcome: Outcome) -> str:
    callbacks = ", ".join(outcome.statuses) or "none"
    return f"| `+{number}` | `{outcome.name}` | {outcome.meaning} | {callbacks} |"
