// Live recognition: send a picture once the previous one is answered, a few per second; the server draws the boxes.

import { ask } from "./ask.js";
import { close, open, showMessage, takePicture, usable, video } from "./camera.js";

const MIN_INTERVAL = 250; // ms between pictures
const CHALLENGE_INTERVAL = 50; // ms between pictures of a challenge, which follows a head as it turns
const RETRY_INTERVAL = 2000; // ms after a failure
const SIDE = 640; // px, longer side of a picture

const form = document.getElementById("recognize");
const token = form.elements.csrf_token.value;
const [opener, pauser, challenger, stopper] = ["open", "pause", "challenge", "stop"].map((id) => document.getElementById(id));
const [live, liveResults, challengeState, announcement, result] = ["live", "live-results", "challenge-state", "announcement", "result"].map((id) => document.getElementById(id));
const wait = (time) => new Promise((resolve) => { setTimeout(resolve, time); });
let running = null; // AbortController of the live recognition

function post(url, fields, signal) {
  const body = new FormData();
  for (const [name, value] of Object.entries({ csrf_token: token, ...fields })) body.append(name, value);
  return ask(url, body, signal);
}

/** Announce the names to screen readers when they change. */
function announce() {
  const names = [...liveResults.querySelectorAll("strong")].map((name) => name.textContent).sort().join(", ");
  if (announcement.textContent !== names) announcement.textContent = names;
}

async function run(signal) {
  let failure = ""; // shown once
  while (!signal.aborted) {
    const start = performance.now();
    let interval = MIN_INTERVAL;
    const blob = await takePicture(SIDE);
    if (blob) {
      const { ok, html } = await post(form.action, { part: "live", picture: blob }, signal);
      if (signal.aborted) return;
      if (ok) {
        live.innerHTML = html;
        liveResults.replaceChildren(live.querySelector(".live-results"));
        failure = "";
      } else {
        live.replaceChildren();
        if (html !== failure) liveResults.innerHTML = html;
        failure = html;
        interval = RETRY_INTERVAL;
      }
      announce();
    }
    await wait(Math.max(0, interval - (performance.now() - start)));
  }
}

/** Show what the person has to do, picture after picture, until the challenge has an outcome. */
async function challenge(signal) {
  let [fields, shown] = [{}, ""];
  while (!signal.aborted) {
    const { html } = await post(challenger.dataset.url, fields, signal);
    if (signal.aborted) return;
    if (html !== shown) challengeState.innerHTML = html; // so that it is read out once
    shown = html;
    const id = challengeState.querySelector("[data-challenge]")?.dataset.challenge;
    if (!id) return;
    await wait(CHALLENGE_INTERVAL);
    const picture = await takePicture(SIDE);
    if (!picture) return;
    fields = { challenge: id, picture };
  }
}

function stop() {
  running?.abort();
  running = null;
  close();
  live.replaceChildren();
  liveResults.replaceChildren();
  challengeState.replaceChildren();
  opener.hidden = false;
  pauser.hidden = challenger.hidden = stopper.hidden = true;
}

opener.hidden = !usable;
opener.addEventListener("click", async () => {
  result.replaceChildren();
  if (!await open()) return;
  opener.hidden = true;
  pauser.hidden = challenger.hidden = stopper.hidden = false;
  pauser.focus();
  running = new AbortController();
  run(running.signal);
});
challenger.addEventListener("click", async () => {
  running.abort(); // recognition waits
  live.replaceChildren();
  running = new AbortController();
  const { signal } = running;
  await challenge(signal);
  if (!signal.aborted) run(signal);
});
stopper.addEventListener("click", () => { stop(); opener.focus(); });

pauser.addEventListener("click", async () => {
  if (!video.videoWidth) return;
  running.abort(); // an answer that is under way no longer changes what is shown
  video.pause(); // the picture stands still at once, and is the one that is recognized
  live.replaceChildren();
  pauser.hidden = true;
  const blob = await takePicture(2 * SIDE);
  const { html } = await post(form.action, { part: "result", picture: blob });
  if (video.srcObject) stop(); // nobody did meanwhile
  result.innerHTML = html;
  (result.querySelector("#faces") ?? opener).focus();
});

/** Show the name of a face that was unknown: in the list and on the picture, where it must not cover another name. */
function showName(face, name) {
  face.querySelector("strong").textContent = name;
  const number = [...face.parentElement.children].indexOf(face);
  const mark = result.querySelectorAll(".overlay g")[number];
  mark.setAttribute("class", "known");
  const label = mark.querySelector("text:not(.line)");
  if (!label) return;
  label.textContent = name;
  const covers = (area, other) => area.left < other.right && other.left < area.right && area.top < other.bottom && other.top < area.bottom;
  const area = label.getBoundingClientRect();
  const others = [...result.querySelectorAll(".overlay text")].filter((text) => text !== label);
  const fits = area.right <= result.querySelector(".overlay").getBoundingClientRect().right;
  if (!fits || others.some((text) => covers(area, text.getBoundingClientRect()))) label.textContent = number + 1;
}

/** Show that a face that had a name is unknown: in the list and on the picture, by its number. */
function showUnknown(face, word) {
  const number = [...face.parentElement.children].indexOf(face);
  const named = face.querySelector("strong");
  (named.closest("a") ?? named).replaceWith(Object.assign(document.createElement("strong"), { textContent: word }));
  face.querySelector(".tag")?.remove();
  const mark = result.querySelectorAll(".overlay g")[number];
  mark.setAttribute("class", "unknown");
  const label = mark.querySelector("text:not(.line)");
  if (label) label.textContent = number + 1;
}

// A face that was recognized as somebody else is refused, and can then be named, without leaving the page, too.
result.addEventListener("submit", async (event) => {
  const refusing = event.target.closest(".refusing");
  if (!refusing) return;
  event.preventDefault();
  const { ok, html } = await post(refusing.action, { ...Object.fromEntries(new FormData(refusing)), part: "1" });
  const answer = document.createElement("div");
  answer.innerHTML = html;
  if (ok) {
    showUnknown(refusing.closest("li"), answer.querySelector(".refused").dataset.unknown);
    refusing.replaceWith(answer);
    answer.querySelector("input[name=name]").focus();
  } else {
    refusing.querySelector(".note")?.parentElement.remove();
    refusing.append(answer);
  }
});

// Faces are named without leaving the page, so that the others in the picture can be named, too.
result.addEventListener("submit", async (event) => {
  const naming = event.target.closest(".naming");
  if (!naming) return;
  event.preventDefault();
  const fields = { ...Object.fromEntries(new FormData(naming)), part: "1" };
  if (event.submitter?.name) fields[event.submitter.name] = event.submitter.value; // the answer to a question
  const { ok, html } = await post(naming.action, fields);
  const answer = document.createElement("div");
  answer.innerHTML = html;
  if (ok) {
    showName(naming.closest("li"), answer.querySelector(".named").dataset.name);
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
  showMessage("paused");
});
addEventListener("pagehide", stop);
