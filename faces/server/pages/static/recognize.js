// The camera, live: a picture is sent when the one before it is answered, a few in a second; the server draws the boxes.

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

async function post(address, fields, signal) {
  const body = new FormData();
  for (const [name, value] of Object.entries({ csrf_token: token, ...fields })) body.append(name, value);
  const response = await fetch(address, { method: "POST", body, signal });
  if (response.redirected) location.reload(); // the login is over
  return response;
}

/** Tells who listens to the page who is to be seen, when that changes. */
function announce() {
  const names = [...seen.querySelectorAll("strong")].map((name) => name.textContent).sort().join(", ");
  if (told.textContent !== names) told.textContent = names;
}

async function run(signal) {
  while (!signal.aborted) {
    const start = performance.now();
    let pause = EVERY;
    try {
      const blob = await picture(SIDE);
      if (blob) {
        const response = await post(form.action, { part: "live", picture: blob }, signal);
        const text = await response.text();
        if (signal.aborted) return;
        if (response.ok) {
          live.innerHTML = text;
          seen.replaceChildren(live.querySelector(".seen"));
          announce();
          say("");
        } else {
          pause = AGAIN;
        }
      }
    } catch {
      if (signal.aborted) return;
      say("lost");
      pause = AGAIN;
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
  const response = await post(form.action, { part: "result", picture: blob });
  result.innerHTML = await response.text();
  result.querySelector("#found")?.focus();
});

// Names are given without leaving the page, so that the others in the picture can be named, too.
result.addEventListener("submit", async (event) => {
  const naming = event.target.closest(".naming");
  if (!naming) return;
  event.preventDefault();
  const fields = { ...Object.fromEntries(new FormData(naming)), part: "1" };
  const response = await post(naming.action, fields);
  const answer = document.createElement("div");
  answer.innerHTML = await response.text();
  if (response.ok) {
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
