"""A browser without JavaScript: it keeps cookies, follows redirects and sends forms."""

from __future__ import annotations

import requests

from tests.demo.stack import Demo
from tests.pages import Page

PATIENCE = 15


class Visitor:
    """One person at the demo login."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self.session = requests.Session()
        self.session.trust_env = False
        self.answer = self.open("/")

    @property
    def page(self) -> Page:
        return Page(self.answer.text)

    @property
    def heading(self) -> str:
        [heading] = self.page.all("h1")
        return heading.text

    @property
    def error(self) -> str:
        [field] = [each for each in self.page.all("input") if "aria-invalid" in each.attributes]
        described = field.attributes["aria-describedby"].split()[-1]
        [found] = [each for each in self.page.elements if each.attributes.get("id") == described]
        return found.text.removeprefix("Error: ")

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page's first form."""
        return {
            each.attributes["name"]: each.attributes["value"]
            for each in self.page.all("form")[0].inside
            if each.attributes.get("type") == "hidden"
        }

    def cookie(self, name: str) -> str:
        return str(self.session.cookies[name])

    def open(self, path: str) -> requests.Response:
        self.answer = self.session.get(self._demo.login + path, timeout=PATIENCE)
        return self.answer

    def send(self, path: str, **fields: str) -> requests.Response:
        """Submit a form of the open page."""
        body = (self.hidden if self.page.all("form") else {}) | fields
        self.answer = self.session.post(self._demo.login + path, body, timeout=PATIENCE)
        return self.answer

    def code(self, number: str) -> str:
        """Return the code that the phone shows."""
        return self._demo.control.last_call(number).code or ""
