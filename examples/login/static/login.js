// Refreshes the page for the code: counts down, and shows news of the call. The page works without
// this script: it fetches the same HTML that the "Refresh" link loads.
const REFRESH_MS = 2000;
const REFRESH_BESIDE_EVENTS_MS = 15000;
const byId = (id, root = document) => root.getElementById(id);
let timers = [];
let events = null;
let request = new AbortController();

function formatDuration(seconds) {
  const [count, unit] = seconds > 120 ? [Math.ceil(seconds / 60), "minute"] : [seconds, "second"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

// Counts down, then refreshes.
function countDown(span) {
  const end = Number(span.dataset.end ||= Date.now() + span.dataset.seconds * 1000);
  const timer = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) span.textContent = formatDuration(left);
    else { clearInterval(timer); refresh(); }
  }, 250);
  timers.push(timer);
}

function stopTimers() {
  for (const timer of timers) clearTimeout(timer);
  timers = [];
}

function startTimers() {
  stopTimers();
  const span = document.querySelector("[data-seconds]");
  if (span) countDown(span);
  const waits = document.querySelector("[data-refresh]");
  listen(waits && document.querySelector("[data-events]"));
  if (!waits) return;
  const informed = events?.readyState === EventSource.OPEN;
  timers.push(setTimeout(refresh, informed ? REFRESH_BESIDE_EVENTS_MS : REFRESH_MS));
}

// Where the login receives events, its server has the page refresh.
function listen(wanted) {
  if (wanted && !events) {
    events = new EventSource("/code/events");
    events.onopen = events.onmessage = refresh;
    events.onerror = startTimers;
  } else if (!wanted && events) {
    events.close();
    events = null;
  }
}

async function refresh() {
  request.abort();
  request = new AbortController();
  try {
    const response = await fetch("/code", { cache: "no-store", signal: request.signal });
    if (response.redirected) return location.replace(response.url); // the verification has ended
    if (response.ok) update(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch (error) {
    if (error.name === "AbortError") return;
  } // no network: the next refresh tries again
  startTimers();
}

// Replaces what has changed. While the field for the code stays, its text and focus stay too.
function update(fresh) {
  const sameScreen = Boolean(byId("code")) === Boolean(byId("code", fresh))
    && document.querySelector("h1").textContent === fresh.querySelector("h1").textContent;
  if (!sameScreen) {
    byId("main").replaceWith(byId("main", fresh));
    document.title = fresh.title;
    document.querySelector("h1").focus(); // screen readers read the new screen from here
    return;
  }
  for (const id of ["call", "again"]) {
    const [shown, latest] = [byId(id), byId(id, fresh)];
    if (id === "call") shown.toggleAttribute("data-refresh", latest.hasAttribute("data-refresh"));
    if (shown.innerHTML !== latest.innerHTML) shown.innerHTML = latest.innerHTML;
  }
}

// A double click submits a form once.
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button");
  if (button.ariaBusy === "true") event.preventDefault();
  button.ariaBusy = "true";
  // A login ends the session: a refresh on its way would begin another one, over the new session.
  stopTimers();
  listen(false);
  request.abort();
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button")) button.ariaBusy = null;
  startTimers();
});
