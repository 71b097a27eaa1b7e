/* What a page makes through the API, in place: forms and buttons with data-post send JSON to that address, with the
   session and its CSRF token. A secret in the answer is shown in #made, outside what is live, and nowhere else. */
"use strict";
(() => {
  const cookie = (name) => (document.cookie.split("; ").find((c) => c.startsWith(`${name}=`)) || "").slice(name.length + 1);
  const toast = document.getElementById("toast");
  const made = document.getElementById("made");

  /* Every field of one name `topics` adds to a list; empty fields are left out. */
  function bodyOf(form) {
    const body = {};
    for (const [name, value] of new FormData(form)) {
      const said = value.trim();
      if (name === "topics") body.topics = [...(body.topics || []), ...said.split(/[\s,]+/).filter(Boolean)];
      else if (said) body[name] = said;
    }
    return body;
  }

  async function post(url, body) {
    const answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("coordinator_csrf") },
      body: JSON.stringify(body),
    });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(`Not saved (${answer.status}): ${told.detail || "the server did not say why"}`);
    return told;
  }

  const say = (text) => {
    toast.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { toast.textContent = ""; }, 6000);
  };

  function show(secret) {
    if (!secret) return;
    made.querySelector("code").textContent = secret;
    made.hidden = false;
    made.scrollIntoView({ block: "nearest" });
  }

  async function send(sender, body, complain) {
    sender.setAttribute("aria-busy", "true");
    try {
      show((await post(sender.dataset.post, body)).secret);
      complain("");
      say(sender.dataset.done);
      if (sender.reset) sender.reset();
      document.dispatchEvent(new CustomEvent("coordinator:acted"));
    } catch (failure) {
      complain(failure instanceof TypeError ? "Not saved: the server does not answer. Try again." : failure.message);
    } finally {
      sender.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-post]");
    if (!form) return;
    event.preventDefault();
    send(form, bodyOf(form), (text) => { form.querySelector(".told").textContent = text; });
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-post]");
    if (button) send(button, {}, (text) => { if (text) say(text); });
  });
})();
