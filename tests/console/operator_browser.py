"""The operator's browser without JavaScript: it keeps the cookie, and reads tables as text."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.test import TestResponse

from tests.api.service import CONSOLE_TOKEN, Service
from tests.pages import Page
from verify_service.console.session import COOKIE

BASE = "https://verify.example"
"""The cookie is `Secure`, so the test client sends it over https only."""


class OperatorBrowser:
    """One browser at one service. Every answer is searched for secrets at the end of the test."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.client = service.app.test_client()

    def request(self, method: str, path: str = "/console", **kwargs: Any) -> TestResponse:
        answer = self.client.open(path, method=method, base_url=BASE, **kwargs)
        self._service.answers.append(answer)
        return answer

    def request_with(self, cookie: str) -> TestResponse:
        """Ask for the page with exactly this cookie."""
        client = self._service.app.test_client(use_cookies=False)
        return client.get("/console", base_url=BASE, headers={"Cookie": f"{COOKIE}={cookie}"})

    def cookie(self) -> str:
        """Sign in; return the value of the cookie."""
        name, _, value = self.sign_in().headers["Set-Cookie"].partition(";")[0].partition("=")
        assert name == COOKIE
        return value

    def sign_in(self, token: str = CONSOLE_TOKEN, **kwargs: Any) -> TestResponse:
        return self.request("POST", data={"token": token}, **kwargs)

    def signed_in(self) -> OperatorBrowser:
        assert self.sign_in().status_code == 303
        return self

    def open(self, path: str = "/console") -> ConsolePage:
        answer = self.request("GET", path)
        assert answer.status_code == 200, answer.text
        return ConsolePage(answer.text)


class ConsolePage(Page):
    """A page, read as an operator reads it."""

    def __init__(self, html: str) -> None:
        super().__init__(html)
        self.html = html

    @property
    def text(self) -> str:
        [body] = self.all("body")
        return tidy(body.text)

    @property
    def heading(self) -> str:
        [heading] = self.all("h1")
        return tidy(heading.text)

    @property
    def findings(self) -> list[str]:
        """The text of each finding."""
        [*lists] = self.all("ol")
        return [tidy(each.text) for found in lists for each in found.inside if each.tag == "li"]

    def rows(self, caption: str) -> list[list[str]]:
        """Return the cells of a table, given the beginning of its caption; without its head."""
        for table in self.all("table"):
            captions = [each for each in table.inside if each.tag == "caption"]
            if captions and tidy(captions[0].text).startswith(caption):
                found = [
                    [tidy(cell.text) for cell in row.inside if cell.tag in ("th", "td")]
                    for row in table.inside
                    if row.tag == "tr"
                ]
                head = any(each.tag == "thead" for each in table.inside)
                return found[1:] if head else found
        return []

    def row(self, caption: str, name: str) -> list[str]:
        """Return the cells of one row, without its name."""
        [found] = [cells[1:] for cells in self.rows(caption) if cells[0] == name]
        return found


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
