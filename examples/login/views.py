"""The pages. Each form works as a form; JavaScript only looks again by itself."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from examples.login import refusals
from examples.login.device import Devices
from examples.login.flow import NUMBER, PROVEN, VERIFICATION, Flow
from examples.login.sessions import current
from examples.login.steps import UNCHECKED, Step, step
from verify_service.client import InvalidCode, NextAction, NotFound, VerifyError

FOUR_DIGITS = "Please type four digits: the last four of the number that called."
TOO_LONG = "That took too long. Please start again."
NOT_NOW = "We cannot check that right now. Please try again."
NOTICE = "notice"
"""What the next page says, once."""
Page = tuple[str, int]


def views(flow: Flow, devices: Devices) -> Blueprint:
    """All of them."""
    pages = Blueprint("login", __name__)

    @pages.get("/")
    def home() -> str | Answer:
        """The account for who is logged in, else the form for a number."""
        if PROVEN in current():
            return render_template("account.html", phone=current()[PROVEN])
        return render_template(
            "number.html", number=current().get(NUMBER, ""), notice=current().pop(NOTICE, "")
        )

    @pages.post("/call")
    def call() -> Page | Answer:
        """Call a number that was typed, or the one that was called before."""
        typed = request.form.get("number")
        number = current().get(NUMBER, "") if typed is None else typed.strip()
        try:
            # The router's word for the address, where one stands before this program: ProxyFix.
            flow.call(number, device_id=devices.of(request), client_ip=request.remote_addr)
        except VerifyError as error:
            words, http_status = refusals.refusal(error)
            # What a person mistyped is nobody's trouble; the rest is for the operator.
            level = logging.WARNING if http_status == 503 else logging.INFO
            current_app.logger.log(level, "no call: %s", error)
            if VERIFICATION in current() and "number" not in request.form:
                current()[NOTICE] = words
                return redirect(url_for("login.enter"), 303)
            return render_template("number.html", number=number, error=words), http_status
        return redirect(url_for("login.enter"), 303)

    @pages.get("/code")
    def enter() -> Page | Answer:
        return _code()

    @pages.post("/code")
    def check() -> Page | Answer:
        text = request.form.get("code", "")
        try:
            answer = flow.check(text)
        except InvalidCode:
            return _code(FOUR_DIGITS, text)
        except NotFound:
            return _code()
        except VerifyError as error:
            current_app.logger.warning("no check: %s", error)
            return _show(UNCHECKED, NOT_NOW, text), 503
        if answer.verified:
            return redirect(url_for("login.home"), 303)
        if answer.next_action is NextAction.ENTER_CODE:
            return _code(wrong(answer.checks_left))
        return redirect(url_for("login.enter"), 303)

    @pages.post("/leave")
    def leave() -> Answer:
        flow.leave()
        return redirect(url_for("login.home"), 303)

    @pages.post("/logout")
    def log_out() -> Answer:
        current().begin_anew()
        return redirect(url_for("login.home"), 303)

    def _code(error: str = "", text: str = "") -> Page | Answer:
        try:
            shown = step(flow.look())
        except NotFound:
            current().pop(VERIFICATION, None)
            current()[NOTICE] = TOO_LONG
            return redirect(url_for("login.home"), 303)
        except VerifyError as problem:
            current_app.logger.warning("no status: %s", problem)
            return render_template("away.html"), 503
        return _show(shown, error, text), 422 if error else 200

    @pages.after_app_request
    def keep_device(response: Response) -> Response:
        if request.endpoint != "static":
            devices.keep(request, response)
        return response

    return pages


def _show(shown: Step, error: str, text: str) -> str:
    notice = current().pop(NOTICE, "")
    return render_template("code.html", step=shown, error=error, text=text, notice=notice)


def wrong(checks_left: int | None) -> str:
    """Return what to say to other digits."""
    tries = "once more" if checks_left == 1 else f"{checks_left} more times"
    return f"Those are not the last four digits. You can try {tries}."
