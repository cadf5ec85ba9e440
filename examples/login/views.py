"""The pages. Every form works without JavaScript."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from examples.login import messages
from examples.login.device import DeviceCookie
from examples.login.flow import ENTERED_NUMBER, VERIFICATION_ID, VERIFIED_NUMBER, LoginFlow
from examples.login.messages import Screen
from examples.login.sessions import current_session
from verify_service.client import InvalidCode, NextAction, NotFound, VerifyError

NOTICE = "notice"
"""A message in the session that the next page shows once."""
Page = tuple[str, int]


def create_blueprint(flow: LoginFlow, device_cookie: DeviceCookie) -> Blueprint:
    """Return all pages of the login."""
    pages = Blueprint("login", __name__)

    @pages.get("/")
    def home() -> str | Redirect:
        """Show the account if the person is logged in, else the form for the number."""
        session = current_session()
        if VERIFIED_NUMBER in session:
            return render_template("account.html", number=session[VERIFIED_NUMBER])
        return render_template(
            "number.html", number=session.get(ENTERED_NUMBER, ""), notice=session.pop(NOTICE, "")
        )

    @pages.post("/call")
    def call() -> Page | Redirect:
        """Call the number in the form. "Call me again" has no number: call the last one."""
        entered = request.form.get("number")
        call_again = entered is None
        number = current_session().get(ENTERED_NUMBER, "") if entered is None else entered.strip()
        try:
            flow.start(
                number,
                device_id=device_cookie.device_id(request),
                # Behind a proxy, ProxyFix must set this to the person's address.
                client_ip=request.remote_addr,
            )
        except VerifyError as error:
            message, http_status = messages.start_error(error)
            # Only a 503 needs the operator's attention.
            level = logging.WARNING if http_status == 503 else logging.INFO
            current_app.logger.log(level, "call not placed: %s", error)
            if call_again and VERIFICATION_ID in current_session():
                current_session()[NOTICE] = message
                return redirect(url_for("login.code"), 303)
            return render_template("number.html", number=number, error=message), http_status
        return redirect(url_for("login.code"), 303)

    @pages.get("/code")
    def code() -> Page | Redirect:
        """Show the status of the call and the field for the code."""
        return _code_page()

    @pages.post("/code")
    def check() -> Page | Redirect:
        """Check the code. Only ``check.verified`` logs the person in."""
        text = request.form.get("code", "")
        try:
            check = flow.check(text)
        except InvalidCode:
            return _code_page(messages.NOT_FOUR_DIGITS, text)
        except NotFound:
            return _code_page()
        except VerifyError as error:
            current_app.logger.warning("code not checked: %s", error)
            return _render(messages.CHECK_UNANSWERED, messages.CANNOT_CHECK, text), 503
        if check.verified:
            return redirect(url_for("login.home"), 303)
        if check.next_action is NextAction.ENTER_CODE:
            return _code_page(messages.wrong_code(check.checks_left))
        return redirect(url_for("login.code"), 303)

    @pages.post("/leave")
    def leave() -> Redirect:
        """Cancel the code and show the form for another number."""
        flow.cancel()
        return redirect(url_for("login.home"), 303)

    @pages.post("/logout")
    def log_out() -> Redirect:
        current_session().reset()
        return redirect(url_for("login.home"), 303)

    def _code_page(error: str = "", text: str = "") -> Page | Redirect:
        try:
            screen = messages.screen_for(flow.status())
        except NotFound:
            # Only a session that exists: a refresh that comes after the login begins no other one.
            if current_session().pop(VERIFICATION_ID, None):
                current_session()[NOTICE] = messages.SESSION_EXPIRED
            return redirect(url_for("login.home"), 303)
        except VerifyError as problem:
            current_app.logger.warning("status not available: %s", problem)
            return render_template("unavailable.html"), 503
        return _render(screen, error, text), 422 if error else 200

    @pages.after_request
    def save_device_cookie(response: Response) -> Response:
        device_cookie.save(request, response)
        return response

    return pages


def _render(screen: Screen, error: str, text: str) -> str:
    notice = current_session().pop(NOTICE, "")
    return render_template("code.html", screen=screen, error=error, text=text, notice=notice)
