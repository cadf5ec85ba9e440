// Looks again by itself. Everything works without it: the server's pages are the only truth, and
// this fetches the very page that "Look again" would show.
const LOOK = 2000; // milliseconds between two looks at a call of which more is going to be known
const part = (id, from = document) => from.getElementById(id);
let timers = [];

function spell(seconds) {
  const [count, name] = seconds > 120 ? [Math.ceil(seconds / 60), "minute"] : [seconds, "second"];
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

// Counts down to the moment when there is something new to see.
function count(span) {
  const end = Number(span.dataset.end ||= Date.now() + span.dataset.seconds * 1000);
  const timer = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) span.textContent = spell(left);
    else { clearInterval(timer); look(); }
  }, 250);
  timers.push(timer);
}

function watch() {
  for (const timer of timers) clearTimeout(timer);
  timers = [];
  const span = document.querySelector("[data-seconds]");
  if (span) count(span);
  if (document.querySelector("[data-waiting]")) timers.push(setTimeout(look, LOOK));
}

async function look() {
  try {
    const answer = await fetch("/code", { cache: "no-store" });
    if (answer.redirected) return location.replace(answer.url); // there is nothing to wait for any more
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the network is away for a moment: look again later */ }
  watch();
}

// Puts in place what has changed, and leaves alone the field in which somebody is typing.
function show(fresh) {
  const same = Boolean(part("code")) === Boolean(part("code", fresh))
    && document.querySelector("h1").textContent === fresh.querySelector("h1").textContent;
  if (!same) {
    part("main").replaceWith(part("main", fresh));
    document.title = fresh.title;
    document.querySelector("h1").focus(); // what is new is read from here
    return;
  }
  for (const id of ["call", "again"]) {
    const [now, then] = [part(id, fresh), part(id)];
    if (id === "call") then.toggleAttribute("data-waiting", now.hasAttribute("data-waiting"));
    if (now.innerHTML !== then.innerHTML) then.innerHTML = now.innerHTML;
  }
}

// A second click is no second wish.
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button");
  if (button.ariaBusy === "true") event.preventDefault();
  button.ariaBusy = "true";
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button")) button.ariaBusy = null;
});
watch();
