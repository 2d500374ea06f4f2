// A dataset folder is sent in parts, since it may be larger than what the server takes at a time.

import { ask } from "./ask.js";

const MOST = 12 * 2 ** 20; // bytes in a part
const FILES = 50; // in a part

const form = document.getElementById("import");
const progress = document.getElementById("progress");
const said = document.getElementById("imported");

/** The files in parts; each with one file at least. */
function parts(files) {
  const all = [[]];
  let size = 0;
  for (const file of files) {
    if (all.at(-1).length && (all.at(-1).length === FILES || size + file.size > MOST)) {
      all.push([]);
      size = 0;
    }
    all.at(-1).push(file);
    size += file.size;
  }
  return all;
}

/** The paths of files, each of which shows in its part alone whose it is: what is beside the people's folders has none. */
function paths(files) {
  const isInside = (file) => file.webkitRelativePath.split("/").length > 2;
  const hasPeople = files.some(isInside);
  return new Map(files.map((file) => [file, hasPeople && !isInside(file) ? file.name : file.webkitRelativePath]));
}

form?.addEventListener("submit", async (event) => {
  const files = [...form.elements.folder.files].filter(
    (file) => file.type.startsWith("image/") && !file.webkitRelativePath.includes("/."), // hidden: not looked at
  );
  if (!files.length) return; // one file: sent as without this script
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  progress.hidden = false;
  said.replaceChildren();
  let before = "";
  const all = parts(files);
  const path = paths(files);
  for (const [index, part] of all.entries()) {
    progress.value = index / all.length;
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("before", before);
    body.append("part", "1");
    for (const file of part) body.append("folder", file, path.get(file));
    const { ok, html } = await ask(form.action, body);
    if (!ok) { // what was added before stays to be read
      said.insertAdjacentHTML("afterbegin", html);
      break;
    }
    said.innerHTML = html;
    before = said.querySelector("data").value;
  }
  button.disabled = false;
  progress.hidden = true;
});
