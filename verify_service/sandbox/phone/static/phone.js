// The phone: receives events of the simulator, shows them, and sends what the person decides.
import { announce, show } from "./screen.js";
import { ring } from "./sound.js";

const element = (id) => document.getElementById(id);
const number = new URLSearchParams(location.search).get("number") || "";
const RECONNECT_AFTER = 1000; // milliseconds
let ringing = null;

async function post(path, body) {
  const answer = await fetch(`/phone/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.json();
}

async function listen() {
  try {
    const { key } = await post("open", {});
    const stream = new EventSource(`/phone/events?${new URLSearchParams({ key, number })}`);
    stream.onmessage = ({ data }) => {
      element("lost").hidden = true;
      update(JSON.parse(data));
    };
    // Each new connection gets a new key: the simulator may have been restarted.
    stream.onerror = () => { stream.close(); lose(); };
  } catch { lose(); }
}

function lose() {
  element("lost").hidden = false;
  ring(false);
  setTimeout(listen, RECONNECT_AFTER);
}

function update(state) {
  const before = ringing;
  ringing = state.calls.find((call) => call.status === null) || null;
  const key = document.activeElement?.closest(".keys");
  show(state, ringing);
  if (key && !ringing) element("recent").focus(); // the button that was pressed is hidden
  announce(state, ringing, before);
  ring(ringing !== null && element("sound").checked);
  document.body.dataset.live = "";
}

element("ringing").addEventListener("click", ({ target }) => {
  const key = target.closest("button");
  if (key && ringing) {
    post("decide", { call: ringing.id, status: key.dataset.status }).catch(() => {});
  }
});
element("mode").addEventListener("submit", (event) => event.preventDefault());
element("mode").addEventListener("change", ({ target }) => {
  if (target.name === "mode") {
    post("mode", number ? { number, mode: target.value } : { mode: target.value }).catch(() => {});
  } else {
    ring(ringing !== null && target.checked);
  }
});

element("own").value = number;
listen();
