// Before a file is sent: shrink a picture that is larger than its page allows, reject what is too large for any request.
// The server may close the connection of such a request without an answer.

const MAX_BYTES = 16 * 2 ** 20 - 2 ** 16; // 64 KB are left for the rest of the form
const SIDES = [4096, 2560, 1600]; // px, longer side of a shrunk picture: the first whose file is small enough
const QUALITY = 0.9;

/** Return a picture as a smaller JPEG, upright; null if the browser cannot read it, or it does not get small enough. */
async function shrink(file, maxBytes) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  const canvas = document.createElement("canvas");
  for (const side of SIDES) {
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
    if (blob && blob.size < maxBytes) return new File([blob], "picture.jpg", { type: blob.type });
  }
  return null;
}

/** Replace a field's picture with a smaller one if it is too large, or tell that this cannot be done. */
async function check(field) {
  const file = field.files[0];
  const maxBytes = Number(field.dataset.maxBytes);
  if (!file || file.size < maxBytes) return;
  const smaller = await shrink(file, maxBytes);
  if (field.files[0] !== file) return; // another one was chosen meanwhile
  if (smaller) {
    const files = new DataTransfer();
    files.items.add(smaller);
    field.files = files.files;
  } else {
    field.setCustomValidity(field.dataset.unshrunk);
    field.reportValidity();
  }
}

for (const field of document.querySelectorAll("input[data-large]")) {
  field.addEventListener("change", () => {
    field.setCustomValidity((field.files[0]?.size ?? 0) > MAX_BYTES ? field.dataset.large : "");
    field.reportValidity();
  });
}

for (const field of document.querySelectorAll("input[data-max-bytes]")) {
  let checked = null; // a promise while a picture is being shrunk
  field.addEventListener("change", () => {
    field.setCustomValidity("");
    const begun = check(field).finally(() => { if (checked === begun) checked = null; });
    checked = begun;
  });
  field.form.addEventListener("submit", async (event) => {
    if (!checked) return;
    event.preventDefault();
    await checked;
    field.form.requestSubmit(event.submitter);
  });
}
