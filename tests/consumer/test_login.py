from shop import Shop

NUMBER = "+79161234567"


def test_the_right_code_logs_in(verify_sandbox):
    shop = Shop(verify_sandbox.client)
    shop.call_me("session", NUMBER)
    code = verify_sandbox.last_call(NUMBER).code
    assert shop.log_in("session", code) == "Welcome!"


def test_a_refused_call(verify_sandbox):
    shop = Shop(verify_sandbox.client)
    verify_sandbox.next_call(NUMBER, error_code=6)  # the provider's "Insufficient funds"
    assert shop.call_me("session", NUMBER) == "Please choose another way."
    assert shop.call_me("session", NUMBER) == "We are calling you."  # the next one succeeds


def test_a_wrong_code(verify_sandbox):
    shop = Shop(verify_sandbox.client)
    shop.call_me("session", NUMBER)
    assert shop.log_in("session", "0000") == "Wrong. You can try 2 more times."
    assert shop.people == {}


def test_a_phone_that_is_off(verify_sandbox):
    shop = Shop(verify_sandbox.client)
    verify_sandbox.next_call(NUMBER, status="UNAVAILABLE")
    shop.call_me("session", NUMBER)
    verify_sandbox.wait_for_callback(NUMBER)
    assert shop.look("session") == "Is your phone switched on?"


def test_an_event(verify_sandbox):
    shop = Shop(verify_sandbox.client)
    verify_sandbox.next_call(NUMBER, status="UNAVAILABLE")
    shop.call_me("session", NUMBER)
    verification_id = shop.waiting["session"]
    event = verify_sandbox.events.wait_for("verification.undelivered", verification_id)
    assert event.verification.call.provider_status == "UNAVAILABLE"


def test_a_callback_that_comes_late(verify_sandbox):
    shop = Shop(verify_sandbox.client)
    verify_sandbox.next_call(NUMBER, statuses=[])  # it rings, and no callback comes
    shop.call_me("session", NUMBER)
    call = verify_sandbox.last_call(NUMBER)
    assert shop.log_in("session", call.code) == "Welcome!"
    late = verify_sandbox.send_callback(call, "UNAVAILABLE")
    assert late.http_status == 200  # the service accepted it, and no one is logged out
    assert shop.people == {"session": NUMBER}


def test_a_locked_number(verify_sandbox):
    shop = Shop(verify_sandbox.client)
    shop.call_me("session", NUMBER)
    for _ in range(3):  # LOCK_AFTER_FAILURES, in conftest.py
        shop.log_in("session", "0000")
    code = verify_sandbox.last_call(NUMBER).code
    assert shop.log_in("session", code) == "Please choose another way."
    assert shop.call_me("session", NUMBER).startswith("You can ask for a call in ")
