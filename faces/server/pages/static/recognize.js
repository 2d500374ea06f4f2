// The camera, live: a picture is sent when the one before it is answered, a few in a second; the server draws the boxes.

import { ask } from "./ask.js";
import { close, open, picture, say, usable } from "./camera.js";

const EVERY = 250; // ms from one picture to the next, at least
const AGAIN = 2000; // ms after a failure
const SIDE = 640; // px of a picture

const form = document.getElementById("recognize");
const token = form.elements.csrf_token.value;
const [opener, pauser, stopper] = ["open", "pause", "stop"].map((id) => document.getElementById(id));
const [live, seen, told, result] = ["live", "seen", "told", "result"].map((id) => document.getElementById(id));
const wait = (time) => new Promise((done) => { setTimeout(done, time); });
let running = null; // what ends the run, while there is one

function post(address, fields, signal) {
  const body = new FormData();
  for (const [name, value] of Object.entries({ csrf_token: token, ...fields })) body.append(name, value);
  return ask(address, body, signal);
}

/** Tells who listens to the page who is to be seen, when that changes. */
function announce() {
  const names = [...seen.querySelectorAll("strong")].map((name) => name.textContent).sort().join(", ");
  if (told.textContent !== names) told.textContent = names;
}

async function run(signal) {
  let failure = ""; // said once, not every time
  while (!signal.aborted) {
    const start = performance.now();
    let pause = EVERY;
    const blob = await picture(SIDE);
    if (blob) {
      const { ok, html } = await post(form.action, { part: "live", picture: blob }, signal);
      if (signal.aborted) return;
      if (ok) {
        live.innerHTML = html;
        seen.replaceChildren(live.querySelector(".seen"));
        failure = "";
      } else {
        live.replaceChildren();
        if (html !== failure) seen.innerHTML = html;
        failure = html;
        pause = AGAIN;
      }
      announce();
    }
    await wait(Math.max(0, pause - (performance.now() - start)));
  }
}

function stop() {
  running?.abort();
  running = null;
  close();
  live.replaceChildren();
  seen.replaceChildren();
  opener.hidden = false;
  pauser.hidden = stopper.hidden = true;
}

opener.hidden = !usable;
opener.addEventListener("click", async () => {
  result.replaceChildren();
  if (!await open()) return;
  opener.hidden = true;
  pauser.hidden = stopper.hidden = false;
  pauser.focus();
  running = new AbortController();
  run(running.signal);
});
stopper.addEventListener("click", () => { stop(); opener.focus(); });

pauser.addEventListener("click", async () => {
  const blob = await picture(2 * SIDE);
  if (!blob) return;
  stop();
  const { html } = await post(form.action, { part: "result", picture: blob });
  result.innerHTML = html;
  (result.querySelector("#found") ?? opener).focus();
});

// Names are given without leaving the page, so that the others in the picture can be named, too.
result.addEventListener("submit", async (event) => {
  const naming = event.target.closest(".naming");
  if (!naming) return;
  event.preventDefault();
  const fields = { ...Object.fromEntries(new FormData(naming)), part: "1" };
  const { ok, html } = await post(naming.action, fields);
  const answer = document.createElement("div");
  answer.innerHTML = html;
  if (ok) {
    naming.replaceWith(answer);
    answer.tabIndex = -1;
    answer.focus();
  } else {
    naming.querySelector(".note")?.parentElement.remove();
    naming.append(answer);
  }
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden || !running) return;
  stop();
  document.getElementById("camera").hidden = false;
  say("paused");
});
addEventListener("pagehide", stop);
