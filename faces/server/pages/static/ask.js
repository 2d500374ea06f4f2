// A form that a script sends: the answer is part of a page, whatever happens.

const silent = document.getElementById("silent"); // what is shown where there is no answer

/** Whether it worked, and the HTML to show. */
export async function ask(address, body, signal) {
  try {
    const response = await fetch(address, { method: "POST", body, signal, headers: { "X-Part": "1" } });
    if (response.redirected) { // the login is over
      location.reload();
      await new Promise(() => {});
    }
    return { ok: response.ok, html: await response.text() };
  } catch {
    return { ok: false, html: silent.innerHTML };
  }
}
