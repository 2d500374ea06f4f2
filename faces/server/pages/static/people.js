// Send a data set's folder in parts, because the server limits the size of a request.

import { ask } from "./ask.js";

const MAX_PART_BYTES = 12 * 2 ** 20;
const MAX_PART_FILES = 50;

const form = document.getElementById("import");
const progress = document.getElementById("progress");
const output = document.getElementById("imported");

/** Split the files into parts of at least one file each. */
function splitIntoParts(files) {
  const parts = [[]];
  let size = 0;
  for (const file of files) {
    const part = parts.at(-1);
    if (part.length && (part.length === MAX_PART_FILES || size + file.size > MAX_PART_BYTES)) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1).push(file);
    size += file.size;
  }
  return parts;
}

/** Return the path to send for each file. Files beside the people's folders get no folder, so that each part shows whose photographs it has. */
function uploadPaths(files) {
  const isInside = (file) => file.webkitRelativePath.split("/").length > 2;
  const hasPeople = files.some(isInside);
  return new Map(files.map((file) => [file, hasPeople && !isInside(file) ? file.name : file.webkitRelativePath]));
}

form?.addEventListener("submit", async (event) => {
  const files = [...form.elements.folder.files].filter(
    (file) => file.type.startsWith("image/") && !file.webkitRelativePath.includes("/."), // hidden files are ignored
  );
  if (!files.length) return; // a single file is sent by the browser
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  progress.hidden = false;
  output.replaceChildren();
  let before = "";
  const parts = splitIntoParts(files);
  const paths = uploadPaths(files);
  for (const [index, part] of parts.entries()) {
    progress.value = index / parts.length;
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("before", before);
    body.append("part", "1");
    for (const file of part) body.append("folder", file, paths.get(file));
    const { ok, html } = await ask(form.action, body);
    if (!ok) { // the result of the earlier parts stays visible
      output.insertAdjacentHTML("afterbegin", html);
      break;
    }
    output.innerHTML = html;
    before = output.querySelector("data").value;
  }
  button.disabled = false;
  progress.hidden = true;
});
