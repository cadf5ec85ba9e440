"""`/docs` and the reference beside it: they load nothing from elsewhere, and the guide is complete
and accessible, with and without its script."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from tests.pages import Element, Page
from verify_service.api import vocabulary
from verify_service.api.errors import ERRORS, Retry
from verify_service.api.openapi import document

from .service import Service

PAGES = ("/docs", "/docs/reference")
FILES = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "reference.css": "text/css; charset=utf-8",
    "reference.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}


@pytest.fixture
def html(service: Service) -> str:
    answer = service.request("GET", "/docs", None)
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.text


@pytest.fixture
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture
def style(service: Service) -> str:
    return service.request("GET", "/docs/docs.css", None).text


@pytest.mark.parametrize(
    ("path", "more"), [("/docs", ""), ("/docs/reference", "connect-src 'self'; ")]
)
def test_a_page_may_load_and_run_only_files_of_the_service(
    service: Service, path: str, more: str
) -> None:
    """No inline script or style, no form, frame or base. The reference may also send requests to
    the service itself."""
    headers = service.request("GET", path, None).headers
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; {more}"
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGES)
def test_the_page_needs_no_network(service: Service, path: str) -> None:
    """It refers only to parts of itself, to the document and to files that the service has."""
    page = Page(service.request("GET", path, None).text)
    assert page.all("style", "img", "iframe", "form", "object", "base") == []
    assert {"style", "onclick"} & {
        name for each in page.elements for name in each.attributes
    } == set()
    scripts = page.all("script")
    assert scripts
    assert "".join(each.text for each in scripts) == ""
    links = {each.attributes["href"] for each in page.all("a", "link")}
    links |= {each.attributes["src"] for each in scripts}
    for link in links:
        if not link.startswith(("#", "data:")):
            assert service.request("GET", link, None).status_code == 200


@pytest.mark.parametrize(("name", "kind"), FILES.items())
def test_a_file_of_the_pages(service: Service, name: str, kind: str) -> None:
    """It loads nothing further."""
    answer = service.request("GET", f"/docs/{name}", None)
    assert (answer.status_code, answer.content_type) == (200, kind)
    if name.endswith(".css"):
        assert "@import" not in answer.text
        assert set(re.findall(r"url\(([^:)]+)[:)]", answer.text)) <= {"data", '"data', "'data"}


@pytest.mark.parametrize("name", ["guide.html", "swagger-ui.js", "..", "x"])
def test_no_other_file_is_served(service: Service, name: str) -> None:
    answer = service.request("GET", f"/docs/{name}", None)
    assert (answer.status_code, answer.json["reason"]) == (404, "path")


def test_the_document_names_the_files() -> None:
    pattern = document()["components"]["parameters"]["DocsFile"]["schema"]["pattern"]
    assert all(re.search(pattern, name) for name in FILES)
    assert not re.search(pattern, "guide.html")


def test_every_link_has_a_target(page: Page) -> None:
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    links = {each.attributes["href"] for each in page.all("a")}
    targets = {link[1:] for link in links if link.startswith("#")}
    labels = {each.attributes.get("aria-labelledby") for each in page.elements} - {None}
    assert targets | labels <= set(ids)
    assert len(targets) > 10


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
    assert len(tables) > 6
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
def test_its_colors_have_enough_contrast(style: str, theme: int) -> None:
    """WCAG AA: 4.5 for text, 3 for the focus outline."""
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


def test_the_guide_shows_what_is_sent_and_what_comes_back(page: Page) -> None:
    """The bodies of the document, which the service itself builds."""
    examples = document()["components"]["examples"]
    shown = {each.attributes["aria-label"]: each.text for each in page.all("pre")}
    for name, example in (
        ("Start: the request", "start"),
        ("Start: the answer", "placed"),
        ("Status: the answer", "phoneOff"),
        ("Check: the request", "check"),
        ("Check: the answer", "verified"),
        ("Check: the answer to a wrong code", "wrong"),
    ):
        body = shown[name][shown[name].index("{") :]
        assert json.loads(body) == examples[example]["value"]
    assert shown["Status: the request"].startswith("GET /verify/J5wR0hM3pQk9Zt2x")


def test_each_language_has_a_program_and_a_choice(page: Page, style: str) -> None:
    """The choice is made by the style sheet, so it needs no script."""
    (box,) = (each for each in page.all("div") if each.attributes.get("class") == "languages")
    choices = [each.attributes["id"] for each in box.inside if each.tag == "input"]
    programs = [each.attributes["class"] for each in box.inside if each.tag == "div"]
    assert choices == programs == ["in-sh", "in-py", "in-mjs", "in-php"]
    for name in choices:
        assert f".languages:has(#{name}:checked) > .{name}" in style


def test_the_guide_says_where_problems_show(page: Page) -> None:
    """The warnings of `/readyz`, and the log line and the metric of a refused callback."""
    text = page.all("main")[0].text
    for word in ("warnings", "callback_refused", "verify_callback_refusals"):
        assert word in text


def test_the_page_has_no_secrets(service: Service, html: str) -> None:
    """The page is public, in production too. Its keys are those of `make run`."""
    assert service.settings.provider_url not in html
    assert "shop" not in html
