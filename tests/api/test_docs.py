"""`/docs`: one page that loads nothing, is accessible, and is complete."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re

import pytest

from tests.pages import Element, Page
from verify_service.api import vocabulary
from verify_service.api.errors import ERRORS, Retry
from verify_service.api.openapi import document

from .documented import resolved
from .service import Service
from .test_openapi import operations


@pytest.fixture
def html(service: Service) -> str:
    answer = service.request("GET", "/docs", None)
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.text


@pytest.fixture
def page(html: str) -> Page:
    return Page(html)


def test_the_page_may_load_and_run_only_its_own_style(service: Service, page: Page) -> None:
    """The style is allowed by its hash and the icon by its data; no form, frame or base is
    allowed."""
    headers = service.request("GET", "/docs", None).headers
    (style,) = page.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_page_needs_no_network(page: Page) -> None:
    """It refers only to parts of itself and to the document beside it."""
    assert page.all("script", "img", "iframe", "form", "object", "base") == []
    links = [each.attributes["href"] for each in page.all("a", "link")]
    assert {link for link in links if not link.startswith(("#", "data:"))} == {"/openapi.json"}
    assert "style" not in {name for each in page.elements for name in each.attributes}
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_every_link_has_a_target(page: Page) -> None:
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    targets = {each.attributes["href"][1:] for each in page.all("a")} - {"openapi.json"}
    labels = {each.attributes.get("aria-labelledby") for each in page.elements} - {None}
    assert targets | labels <= set(ids)
    assert len(targets) > 20


def test_the_page_is_readable_by_a_screen_reader(page: Page) -> None:
    """Language, title, landmarks, a skip link, and headings that descend one level at a time."""
    assert page.all("html")[0].attributes["lang"] == "en"
    assert page.all("title")[0].text
    assert [len(page.all(each)) for each in ("header", "nav", "main", "h1")] == [1, 1, 1, 1]
    assert page.all("a")[0].attributes == {"class": "skip", "href": "#content"}
    levels = [int(each.tag[1]) for each in page.all("h1", "h2", "h3", "h4", "h5")]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_heads_and_a_name(page: Page) -> None:
    tables = page.all("table")
    assert len(tables) > 30
    for table in tables:
        heads = [each for each in table.inside if each.tag == "th"]
        assert {each.attributes["scope"] for each in heads} == {"col", "row"}
        rows = [each for each in table.inside if each.tag == "tr"]
        widths = {sum(each.tag in ("th", "td") for each in row.inside) for row in rows}
        assert len(widths) == 1
    for each in page.elements:
        if each.attributes.get("role") == "region":
            assert each.attributes["aria-label"]
            assert each.attributes["tabindex"] == "0"  # reachable by keyboard


def test_a_cell_shows_its_columns_name(page: Page) -> None:
    """On a narrow screen the name stands beside the cell, because there are no columns."""
    for table in page.all("table"):
        names = [each.text for each in table.inside if each.attributes.get("scope") == "col"]
        rows = [each for each in table.inside if each.tag == "tr"][1:]
        for row in rows:
            cells = [each for each in row.inside if each.tag == "td"]
            assert [each.attributes["data-label"] for each in cells] == names[1:]


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_its_colors_have_enough_contrast(page: Page, theme: int) -> None:
    """WCAG AA: 4.5 for text, 3 for the focus outline."""
    style = page.all("style")[0].text
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", style.split(":root {")[1 + theme]))
    for ground in ("page", "panel"):
        for text in ("text", "quiet", "link"):
            assert _contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
        assert _contrast(colors["mark"], colors[ground]) >= 3


def rows(table: Element) -> list[list[str]]:
    """Return the text of a table, its heads first."""
    return [
        [each.text.strip() for each in row.inside if each.tag in ("th", "td")]
        for row in table.inside
        if row.tag == "tr"
    ]


@pytest.mark.parametrize(
    ("head", "explained"),
    [
        ("nextAction", vocabulary.NEXT_ACTIONS),
        ("call.state", vocabulary.CALL_STATES),
        ("providerStatus", vocabulary.CALL_STATUSES),
        ("limit", vocabulary.LIMITS),
    ],
)
def test_the_guide_has_an_action_for_every_word(
    page: Page, head: str, explained: dict[str, str]
) -> None:
    """In its own table, where each word has a text in every column."""
    (found,) = (rows(each) for each in page.all("table") if rows(each)[0][0] == head)
    assert [row[0] for row in found[1:]] == list(explained)
    assert all(all(row) for row in found)


def test_the_guide_has_the_table_of_errors(page: Page) -> None:
    """Its last row is what to do if there is no answer."""
    (found,) = (rows(each) for each in page.all("table") if rows(each)[0][0] == "HTTP")
    assert [(row[0], row[1], row[3]) for row in found[1:-1]] == [
        (str(kind.http), kind.status, kind.retry) for kind in ERRORS
    ]
    assert found[-1][3] == Retry.SAME_KEY


def test_the_reference_has_all_of_the_document(page: Page) -> None:
    """Every operation, every field of every body, and every example."""
    text = " ".join(each.text for each in page.all("main"))
    for method, path, operation in operations():
        assert f"{method} {path}" in text
        assert operation["summary"] in text
        assert all(f"Response {http}:" in text for http in operation["responses"])
    (main,) = page.all("main")
    codes = {each.text.removeprefix("call.") for each in main.inside if each.tag == "code"}
    for schema in document()["components"]["schemas"].values():
        assert set(schema["properties"]) <= codes
    shown = [
        json.loads(each.text) for each in main.inside if each.tag == "pre" and each.text[0] == "{"
    ]
    for _, _, operation in operations():
        answers = [resolved(each) for each in operation["responses"].values()]
        for body in (operation.get("requestBody", {}), *answers):
            media = body.get("content", {}).get("application/json", {})
            for example in media.get("examples", {}).values():
                assert example["value"] in shown


def test_the_page_has_no_secrets(service: Service, html: str) -> None:
    """The page is public, in production too."""
    assert service.settings.provider_url not in html
    assert "shop" not in html
