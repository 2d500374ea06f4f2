// Reject a file that is too large before it is sent: the server may close the connection without an answer.

const MAX_BYTES = 16 * 2 ** 20 - 2 ** 16; // 64 KB are left for the rest of the form

for (const field of document.querySelectorAll("input[data-large]")) {
  field.addEventListener("change", () => {
    field.setCustomValidity((field.files[0]?.size ?? 0) > MAX_BYTES ? field.dataset.large : "");
    field.reportValidity();
  });
}
