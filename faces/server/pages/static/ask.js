// Send a form from JavaScript. The answer is always HTML for a part of the page.

const noAnswer = document.getElementById("no-answer"); // shown if the server does not answer

/** Return whether the request succeeded, and the HTML to show. */
export async function ask(url, body, signal) {
  try {
    const response = await fetch(url, { method: "POST", body, signal, headers: { "X-Part": "1" } });
    if (response.redirected) { // the login has expired
      location.reload();
      await new Promise(() => {});
    }
    return { ok: response.ok, html: await response.text() };
  } catch {
    return { ok: false, html: noAnswer.innerHTML };
  }
}
