"""What a person types or pastes where the code goes."""

from __future__ import annotations

import re

CODE = 4
SHORTEST_NUMBER = 7


def code(text: str) -> str:
    """Return the digits that are meant.

    Blanks and dashes between them do not count, and of a whole phone number, pasted from the list
    of calls, the last four do. Anything else is left as it is, for the service to refuse.
    """
    digits = re.sub(r"[\s().+\u2010-\u2015-]", "", text)
    whole_number = digits.isdecimal() and len(digits) >= SHORTEST_NUMBER
    return digits[-CODE:] if whole_number else digits
