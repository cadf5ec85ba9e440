"""Codes: uniform, from 1000 to 9999, and stored only as a keyed digest."""

from __future__ import annotations

import re
import secrets
from collections import Counter

import pytest

from verify_service.domain import codes
from verify_service.domain.codes import FIRST, LAST, CodeDigester

DRAWS = 1_000_000
IDS = ("A" * 40, "B" * 40)


@pytest.mark.slow
def test_every_code_is_as_likely_as_any_other() -> None:
    """Chi-square over 10⁶ draws into 9,000 cells, each of which is drawn, both ends included.

    The bounds are the mean plus and minus six standard deviations (8999 ± 6·√17998): a fair
    source fails once in 10⁸ runs. One that leaves a single code out fails always, since each is
    drawn 111 times on average; so does one that takes 16 random bits modulo 9,000.
    """
    drawn = Counter(codes.draw() for _ in range(DRAWS))
    assert {len(code) for code in drawn} == {4}
    assert set(map(int, drawn)) == set(range(1000, 9999 + 1))
    expected = DRAWS / (LAST - FIRST + 1)
    cells = (drawn[str(code)] for code in range(FIRST, LAST + 1))
    chi_square = sum((count - expected) ** 2 / expected for count in cells)
    assert 8999 - 805 < chi_square < 8999 + 805


@pytest.mark.parametrize(("lot", "code"), [(0, "1000"), (8_999, "9999")])
def test_both_ends_can_be_drawn(monkeypatch: pytest.MonkeyPatch, lot: int, code: str) -> None:
    asked = []

    def below(bound: int) -> int:
        asked.append(bound)
        return lot

    monkeypatch.setattr(secrets, "randbelow", below)
    assert codes.draw() == code
    assert asked == [9_000]


def test_a_digest_is_opaque_and_of_one_length() -> None:
    digest = CodeDigester([b"k"]).sign(IDS[0], "1234")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", digest)


def test_a_digest_is_bound_to_its_verification_its_code_and_its_key() -> None:
    """Equal codes have different digests. Making one takes the secret."""
    digests = {
        CodeDigester([key]).sign(verification, code)
        for key in (b"k1", b"k2")
        for verification in IDS
        for code in ("1234", "1235")
    }
    assert len(digests) == 8


def test_the_signed_digest_is_among_the_candidates() -> None:
    digester = CodeDigester([b"k"])
    assert digester.candidates(IDS[0], "1234") == [digester.sign(IDS[0], "1234")]


def test_the_first_key_signs_and_both_are_accepted() -> None:
    """While one is being replaced by the other."""
    old, both = CodeDigester([b"old"]), CodeDigester([b"new", b"old"])
    assert both.sign(IDS[0], "1234") == CodeDigester([b"new"]).sign(IDS[0], "1234")
    assert old.sign(IDS[0], "1234") in both.candidates(IDS[0], "1234")
    assert old.sign(IDS[0], "1235") not in both.candidates(IDS[0], "1234")


def test_without_a_key_there_is_no_digester() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        CodeDigester([])
