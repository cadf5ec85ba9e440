# The service, Valkey and the simulator; all of them run once the first line of output is there.
python -m verify_service.testing --port 8000 --sandbox-port 9090 >addresses.json &
trap "kill $!" EXIT
until [ -s addresses.json ]; do kill -0 $! || exit; sleep 0.1; done

ask() { curl -s -H 'Content-Type: application/json' "$@"; }
sandbox() { path=$1; shift; ask "http://127.0.0.1:9090/sandbox/$path" "$@"; }
verify() {
  path=$1; shift
  ask "http://127.0.0.1:8000/verify/$path" \
    -H 'X-Authorization: AccessKey development-access-key' "$@"
}
start() { verify start -d '{"number": "+79161234567"}'; }
id_of() { sed 's/.*"verificationId":"\([^"]*\)".*/\1/'; }

# Before each test: forget calls, script, verifications and limits.
sandbox reset -X POST

# A login. What the phone would show is among the calls.
ID=$(start | id_of)
CODE=$(sandbox 'calls?number=79161234567&wait=5' | grep -o '"code": *"[0-9]*"' | tr -dc 0-9)
verify check -d "{\"verificationId\": \"$ID\", \"code\": \"$CODE\"}"

# A refused call: the next one to this number meets the provider's "Insufficient funds".
sandbox reset -X POST
sandbox next -d '{"number": "+79161234567", "outcome": "errorCode 6"}'
start

# A phone that is off: known as soon as the callback has come.
sandbox reset -X POST
sandbox next -d '{"number": "+79161234567", "outcome": "UNAVAILABLE"}'
ID=$(start | id_of)
sandbox 'calls?number=79161234567&callbacks=1&wait=5'
verify "$ID"

# What the service posted to the login flow: the events, with headers and body as they came.
sandbox "events?verificationId=$ID&type=verification.undelivered&wait=5"

# A callback that comes late, or belongs to no known call.
sandbox callbacks -d '{"call": "+79161234567", "status": "ANSWERED"}'
