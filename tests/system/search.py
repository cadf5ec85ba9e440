"""Searches everything that a running service leaves behind for secrets.

Every secret that a test sends contains the word ``canary``, so one word finds them all, whole or in
part. A code is four digits, and four digits stand in many places by accident. So a code between two
characters that are neither letter nor digit is a leak, unless dates, processes and line numbers
stand there. One within a longer word may be a piece of a random name: it is a leak if that is true
for most of the codes that went the same way, and for at least three.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product

import redis

from verify_service.domain.ids import VerificationKey
from verify_service.store import keys

CANARY = "canary"
REFERENCE = "canary-reference"
"""A reference that the login flow gets back, and that is therefore stored: sixteen characters in
one piece."""
PIECE = 16
"""This many characters of a digest identify it."""
_WORD = "0-9A-Za-z_-"
_COUNTED = re.compile(
    r"\[\d+\]|\bpid:? ?\d+|Listening at: \S+ \(\d+\)|\.py:\d+|\bline \d+"
    r"|127\.0\.0\.1:\d+|0x[0-9a-f]+"
    r'|"(?:[a-z]+_)?ms": [0-9.]+|(?i:content-length: \d+)'
    r"|from 1000 to 9999|\b[0-9a-f]{32}\b|(?m:^  [a-z_]+: \d+$)"
    r"|\d{4}-\d\d-\d\d[T ][0-9:.]+|\w{3}, \d\d \w{3} \d{4} [0-9:]+ GMT"
)
"""Processes, lines of code, ports, addresses, durations, sizes, ids of requests, the server's own
settings, dates, and the range of all codes."""
_MASKED = re.compile(r"\+\d*(?:•|\\u2022)+\d\d")


def _in_base64(shift: int) -> str:
    """Return the letters that the word has in base64, this many bytes after a multiple of three."""
    padded = b"-" * shift + CANARY.encode() + b"-" * (-shift % 3)
    return b64encode(padded).decode()[(shift * 8 + 5) // 6 : (shift + len(CANARY)) * 8 // 6]


DISGUISES = (CANARY.encode().hex(), CANARY[::-1], *(_in_base64(shift) for shift in range(3)))


@dataclass
class Known:
    """What a search looks for, beside every word that contains ``canary``."""

    codes: dict[str, set[str]] = field(default_factory=dict)
    """By the called number."""
    callers: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    """The verificationId of a number."""
    ways: dict[str, set[str]] = field(default_factory=dict)
    """The numbers that went the same way, by its name."""
    others: set[str] = field(default_factory=set)
    """Codes of no call: guesses."""

    def digests(self) -> set[str]:
        """Return the digests of the codes that can be computed without a key: the beginning of
        each."""
        return {
            text[:PIECE]
            for number, codes in self.codes.items()
            for code in codes
            for words in _recipes(number, code, self.ids.get(number, ""))
            for text in _digests(words.encode())
        }


def _recipes(number: str, code: str, verification_id: str) -> set[str]:
    plain = {code}
    for salt, mark in product((number, f"+{number}", verification_id), ("", ":", "|", "-")):
        plain |= {f"{salt}{mark}{code}", f"{code}{mark}{salt}"}
    return plain | {f"code:{words}" for words in plain}


def _digests(words: bytes) -> Iterator[str]:
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        digest = hashlib.new(name, words).digest()
        yield digest.hex()
        yield b64encode(digest).decode()
        yield urlsafe_b64encode(digest).decode()


def leaks(text: str, known: Known, *, numbers: bool = True) -> list[str]:
    """Return the leaks in the text, each with some context.

    Args:
        numbers: Whether full numbers are leaks. An approval may contain them.
    """
    bare = _MASKED.sub("+", _COUNTED.sub("+", text))
    words = [CANARY, *DISGUISES, *known.callers, *(known.codes if numbers else ())]
    found = [_around(bare, at) for word in words if (at := bare.find(word)) >= 0]
    if CANARY in bare.lower():
        found.append(CANARY)
    codes = known.others.union(*known.codes.values())
    for alone in re.finditer(rf"(?<![{_WORD}])\d{{4}}(?![{_WORD}])", bare):
        if alone[0] in codes:
            found.append(_around(bare, alone.start()))
    inside = set(re.findall(r"(?<!\d)\d{4}(?!\d)", bare))
    for name, way in known.ways.items():
        gone = set().union(*(known.codes.get(number, ()) for number in way))
        if len(inside & gone) >= max(3, len(gone) / 2):
            found.append(f"codes that went the way of {name}")
    return found


def _around(text: str, at: int) -> str:
    return text[max(0, at - 60) : at + 60]


def stored(client: redis.Redis) -> Iterator[tuple[str, str, str]]:
    """Return every key of every type, as key, field and value. JSON is split into its members."""
    for key in client.scan_iter():
        for name, value in _fields(client, key):
            yield from ((key, *leaf) for leaf in _leaves(name, value))


def _fields(client: redis.Redis, key: str) -> Iterator[tuple[str, str]]:
    match client.type(key):
        case "hash":
            yield from client.hgetall(key).items()
        case "string":
            yield "", client.get(key)
        case "list":
            yield from (("", value) for value in client.lrange(key, 0, -1))
        case "set":
            yield from (("", value) for value in client.smembers(key))
        case "zset":
            yield from ((str(at), name) for name, at in client.zscan_iter(key))
        case _:
            yield "", str(client.xrange(key))


def _leaves(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Return the path and the text of each value in a JSON object; of any other text, the text."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        yield from _members(name, found)
    else:
        yield name, text


def _members(path: str, found: object) -> Iterator[tuple[str, str]]:
    match found:
        case {} | [] if not found:
            yield path, ""
        case dict():
            for name, member in found.items():
                yield from _members(f"{path}.{name}" if path else name, member)
        case list():
            for member in found:
                yield from _members(path, member)
        case str():
            # Some state is text of its own: for example, a list of counts.
            yield from _leaves(path, found)
        case _:
            yield path, json.dumps(found)


def leaks_in_store(kept: Iterable[tuple[str, str, str]], known: Known) -> list[str]:
    """Return the leaks in Redis. A verification may contain its number and its reference, an event
    the reference; codes may stand nowhere."""
    words = {
        f"{key} {name} {value}"
        for key, name, value in kept
        if not (_is_verification(key) and _is_allowed(name, value, known))
        and not (keys.app_of_outbox(key) and _is_allowed_in_event(name, value))
    }
    return _kept_leaks("\n".join(words), known)


def _is_verification(key: str) -> bool:
    return fnmatchcase(key, keys.verification(VerificationKey(tag="*", short_id="*")))


def leaks_in_commands(commands: Iterable[list[bytes]], known: Known) -> list[str]:
    """Return the leaks in the commands to Redis. A reservation may contain number and reference."""
    words = set()
    for command in commands:
        if command[0] == b"FCALL":
            # The function's name, how many keys, the keys, and one JSON object.
            *named, asked = (word.decode("utf-8", "replace") for word in command[1:])
            not_allowed = (leaf for leaf in _leaves("", asked) if not _is_allowed(*leaf, known))
            words |= {*named, *(f"{name} {value}" for name, value in not_allowed)}
    return _kept_leaks("\n".join(words), known)


def _is_allowed(name: str, value: str, known: Known) -> bool:
    if name == "number":
        return value[:1] == "+" and value[1:] in known.codes
    return (name, value) == ("reference", REFERENCE) or _is_duration(name, value)


def _is_allowed_in_event(path: str, value: str) -> bool:
    name = path.rpartition(".")[2]
    return (name, value) == ("reference", REFERENCE) or _is_duration(name, value)


def _is_duration(name: str, value: str) -> bool:
    """Return whether it is a number of milliseconds, which may be a code by chance."""
    return name in ("wait", "milliseconds") and value.isdigit()


def _kept_leaks(text: str, known: Known) -> list[str]:
    pieces = {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}
    return leaks(text, known) + [f"digest {one}" for one in sorted(known.digests() & pieces)]
