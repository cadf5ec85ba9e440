"""The rules of `make prose` report each phrase to avoid, and leave plain English alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prose.__main__ import Finding, findings, rules, sources

PHRASES = {
    "American": [
        "The colour is grey.",
        "It recognises a licence.",
        "Neighbouring modelled towards.",
    ],
    "Barred": ["The number is barred.", "A hopeless call ends."],
    "BecameOf": ["Look up what became of the call.", "Count what comes of it."],
    "Cleft": ["It is the store that decides.", "It was the holder's own phone that rang."],
    "ComesTo": ["What the call came to is shown.", "The load comes to nothing."],
    "ForExampleSay": ["After an hour, say, it ends.", "A phone is off, say."],
    "Hand": ["The operator's hand stops it.", "No hand is needed."],
    "Journal": ["The journal has a line.", "Two journals are open."],
    "Lane": ["A lane has nine guesses.", "Count all lanes."],
    "NoOne": ["Nobody answers.", "The answer is whoever asks first.", "It is nobody's call."],
    "Nor": ["Nor is a server the right one.", "The call ended. Nor does it ring."],
    "OldWords": ["A client tries in vain.", "The client connects anew.", "Wait lest it fails."],
    "Outlook": ["The outlook is shown."],
    "Tells": ["A status tells the caller.", "The answer tells nothing."],
    "Told": ["The client is told.", "What the login was told is kept."],
    "Waive": ["The start is waived.", "A waiver is used.", "The status waives it."],
}

PLAIN = """\
No one answers, and anyone who asks first gets the result. If the phone is off, say so.

What they say is what happens. It neither waits nor is refused. The header tells you how long to
wait; the name tells the two apart. It is clear that a call ends. It is the one that was refused,
and it is the only start that passes.

Write it by hand, or hand it over. The color, the behavior and the license come from the system.

A forwarded call ends afterwards. In code: `told`, ``nobody``.

```
nobody was told anew
```
"""


FILES = {
    "module.py": (
        '"""A page for nobody."""\n\nNOBODY = "nobody"  # for nobody\n\n\n'
        'def f() -> str:\n    """Return `told()`.\n\n    Not anew.\n    """\n'
        '    return """nobody"""\n'
    ),
    "decision.lua": '-- For nobody.\nlocal told = "nobody"  -- told\n',
    "page.html": '<p id="told" class="lane">{{ limits.lane }} for nobody</p>\n',
    "script.sh": "# For nobody.\necho nobody\n",
    "env.example": "# For nobody.\nLIMIT=5\n",
}
"""What is read of each kind of file: comments and docstrings, but not code."""

PLACES = {
    *(("module.py", 1, 15), ("module.py", 3, 26), ("module.py", 9, 9)),
    *(("decision.lua", 1, 8), ("decision.lua", 2, 27)),
    ("page.html", 1, 49),
    ("script.sh", 1, 7),
    ("env.example", 1, 7),
}


def _found(folder: Path, files: dict[str, str]) -> list[Finding]:
    for name, text in files.items():
        (folder / name).write_text(text)
    return findings([folder / name for name in files])


@pytest.mark.slow
def test_every_phrase_is_reported_by_its_rule_and_plain_english_is_not(tmp_path: Path) -> None:
    phrases = [(rule, phrase) for rule, phrases in PHRASES.items() for phrase in phrases]
    text = "\n\n".join(phrase for _, phrase in phrases)
    found = _found(tmp_path, {"phrases.md": text, "plain.md": PLAIN})
    reported = {(each.path.name, each.line, each.rule) for each in found}
    assert reported == {
        ("phrases.md", 2 * index + 1, rule) for index, (rule, _) in enumerate(phrases)
    }


def test_every_rule_is_tried() -> None:
    assert rules() == sorted(PHRASES)


@pytest.mark.slow
def test_comments_and_docstrings_are_read_but_not_code(tmp_path: Path) -> None:
    found = _found(tmp_path, FILES)
    assert {(each.path.name, each.line, each.column) for each in found} == PLACES


@pytest.mark.slow
def test_a_rule_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Broken.weir").write_text("expr main [\n")
    monkeypatch.setattr("tests.prose.__main__.WORDS", tmp_path)
    with pytest.raises(RuntimeError, match="manifest"):
        _found(tmp_path, {"page.md": "Text.\n"})


def test_the_tree_has_files_of_each_kind() -> None:
    kinds = {path.suffix for path in sources()}
    assert {".py", ".lua", ".md", ".html", ".example"} <= kinds
