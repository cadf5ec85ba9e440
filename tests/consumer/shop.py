from verify_service.client import CallFailed, NextAction, TooManyRequests, VerifyClient


class Shop:
    def __init__(self, verify: VerifyClient) -> None:
        self.verify = verify
        self.waiting: dict[str, str] = {}  # the verification that each session waits for
        self.people: dict[str, str] = {}  # the number that each session has proven

    def call_me(self, session: str, number: str) -> str:
        try:
            verification = self.verify.start(number)
        except TooManyRequests as limit:
            return f"You can ask for a call in {limit.retry_after} seconds."
        except CallFailed as failure:
            again = failure.next_action is NextAction.RESTART
            return "Please try again." if again else "Please choose another way."
        self.waiting[session] = verification.verification_id
        return "We are calling you."

    def log_in(self, session: str, typed: str) -> str:
        check = self.verify.check(self.waiting[session], typed)
        if check.verified:
            self.people[session] = check.number
            return "Welcome!"
        if check.next_action is NextAction.ENTER_CODE:
            return f"Wrong. You can try {check.checks_left} more times."
        again = check.next_action is NextAction.RESTART
        return "Please have us call you again." if again else "Please choose another way."

    def look(self, session: str) -> str:
        call = self.verify.status(self.waiting[session]).call
        off = call.provider_status == "UNAVAILABLE"
        return "Is your phone switched on?" if off else "Please type the last four digits."
