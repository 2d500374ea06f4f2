// Put a picture from the camera into the file field; the browser sends the form.

import { close, open, takePicture, usable } from "./camera.js";

const opener = document.getElementById("open");
const taker = document.getElementById("take");
const field = document.getElementById("picture");
const preview = document.getElementById("preview");

function show(file) {
  URL.revokeObjectURL(preview.src);
  preview.hidden = !file?.type.startsWith("image/");
  if (!preview.hidden) preview.src = URL.createObjectURL(file);
}

opener.hidden = !usable;
opener.addEventListener("click", async () => {
  preview.hidden = true;
  if (!await open()) return;
  opener.hidden = true;
  taker.hidden = false;
  taker.focus();
});

taker.addEventListener("click", async () => {
  const blob = await takePicture(1280);
  if (!blob) return;
  const files = new DataTransfer();
  files.items.add(new File([blob], "camera.jpg", { type: blob.type }));
  field.files = files.files;
  show(files.files[0]);
  close();
  taker.hidden = true;
  opener.hidden = false;
  document.querySelector("#train button").focus();
});

field.addEventListener("change", () => show(field.files[0]));
addEventListener("pagehide", close);
