// The phone: listens to the simulator, shows what it says, and tells it what the person decides.
import { announce, show } from "./screen.js";
import { ring } from "./sound.js";

const element = (id) => document.getElementById(id);
const number = new URLSearchParams(location.search).get("number") || "";
const AGAIN = 1000; // milliseconds until the next try to reach the simulator
let ringing = null;

async function tell(path, body) {
  const answer = await fetch(`/phone/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.json();
}

async function listen() {
  try {
    const { key } = await tell("open", {});
    const stream = new EventSource(`/phone/events?${new URLSearchParams({ key, number })}`);
    stream.onmessage = ({ data }) => {
      element("lost").hidden = true;
      update(JSON.parse(data));
    };
    // Each new connection asks for a key: the simulator may have been started anew.
    stream.onerror = () => { stream.close(); lose(); };
  } catch { lose(); }
}

function lose() {
  element("lost").hidden = false;
  ring(false);
  setTimeout(listen, AGAIN);
}

function update(state) {
  const before = ringing;
  ringing = state.calls.find((call) => call.status === null) || null;
  const key = document.activeElement?.closest(".keys");
  show(state, ringing);
  if (key && !ringing) element("recent").focus(); // the key that was pressed is gone
  announce(state, ringing, before);
  ring(ringing !== null && element("sound").checked);
  document.body.dataset.live = "";
}

element("ringing").addEventListener("click", ({ target }) => {
  const key = target.closest("button");
  if (key && ringing) {
    tell("decide", { call: ringing.id, status: key.dataset.status }).catch(() => {});
  }
});
element("mode").addEventListener("submit", (event) => event.preventDefault());
element("mode").addEventListener("change", ({ target }) => {
  if (target.name === "mode") {
    tell("mode", number ? { number, mode: target.value } : { mode: target.value }).catch(() => {});
  } else {
    ring(ringing !== null && target.checked);
  }
});

element("own").value = number;
listen();
