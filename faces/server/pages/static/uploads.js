// Says before a file is sent that it is larger than the server takes: afterwards there may be no answer to see.

const MOST = 16 * 2 ** 20 - 2 ** 16; // bytes; the rest of the form needs some

for (const field of document.querySelectorAll("input[data-large]")) {
  field.addEventListener("change", () => {
    field.setCustomValidity((field.files[0]?.size ?? 0) > MOST ? field.dataset.large : "");
    field.reportValidity();
  });
}
