// Draws the state that the simulator sends.
const ENDED = {
  ANSWERED: ["answered", "Answered", "picked up"],
  BUSY_HERE: ["dropped", "Dropped", "dropped by the person"],
  TERMINATED: ["missed", "Missed", "not picked up"],
  UNAVAILABLE: [null, "", "the phone is off"],
  REJECTED: [null, "", "in another call"],
  FORBIDDEN: [null, "", "stopped by anti-fraud"],
};
const WORDS = { off: "Switched off.", busy: "On another call.", blocked: "Calls are blocked.", on: "On." };
const element = (id) => document.getElementById(id);
const clock = (seconds, more = {}) =>
  new Date(seconds * 1000).toLocaleTimeString([], {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...more,
  });
const everyNumber = !new URLSearchParams(location.search).get("number");
let mode = "on";

function copy(id) {
  return element(id).content.firstElementChild.cloneNode(true);
}

function drawCall(call, position) {
  const [kind, word] = ENDED[call.status];
  const item = copy("call");
  item.classList.add(kind);
  if (position === 0) item.classList.add("fresh");
  item.querySelector(".caller span").textContent = call.prefix;
  item.querySelector(".caller strong").textContent = call.digits;
  const to = everyNumber ? `, to ${call.number}` : "";
  item.querySelector(".quiet").textContent = `${word}, ${clock(call.at)}${to}`;
  return item;
}

function drawReport(call) {
  const item = copy("report");
  item.querySelector("time").textContent = clock(call.at, { second: "2-digit" });
  item.querySelector("code").textContent = call.status;
  item.querySelector("span").textContent = ENDED[call.status][2];
  item.querySelector(".number").textContent = call.number;
  return item;
}

export function show(state, ringing) {
  const over = state.calls.filter((call) => call.status !== null);
  const rang = over.filter((call) => ENDED[call.status][0]);
  const off = state.mode === "off" && !ringing;
  element("phone").dataset.mode = ringing ? "on" : state.mode;
  element("ringing").hidden = !ringing;
  element("off").hidden = !off;
  element("idle").hidden = Boolean(ringing) || off;
  element("empty").hidden = rang.length > 0;
  element("calls").replaceChildren(...rang.map(drawCall));
  element("untold").hidden = over.length > 0;
  element("told").replaceChildren(...over.map(drawReport));
  element("mode").elements.mode.value = state.mode;
  if (ringing) {
    element("prefix").textContent = ringing.prefix;
    element("digits").textContent = ringing.digits;
    element("number").textContent = ringing.number;
  }
  const title = "Phone · verify-service simulator";
  document.title = ringing ? `Ringing: ${ringing.prefix} ${ringing.digits}` : title;
}

// Announces a call, its end and a new mode to screen readers.
export function announce(state, ringing, before) {
  let words = "";
  if (ringing && ringing.id !== before?.id) {
    words = `Incoming call from ${ringing.prefix}, last four digits ${[...ringing.digits].join(" ")}.`;
  } else if (before && !ringing) {
    const ended = state.calls.find((call) => call.id === before.id);
    if (ended) words = `${ENDED[ended.status][1]}.`;
  } else if (state.mode !== mode) {
    words = WORDS[state.mode];
  }
  mode = state.mode;
  if (words) element("said").textContent = words;
}

function tick() {
  element("clock").textContent = clock(Date.now() / 1000);
}
tick();
setInterval(tick, 1000);
