/* Acts of people, in place: buttons with data-act post to the page's own addresses with the session and its CSRF token.
   data-act="do|reject", data-url, data-name, data-done, data-ask (a question to confirm),
   data-version (of what the page shows: when it has changed since, nothing is done). Rejecting wants a comment. Also keys: J K Enter A R /. */
"use strict";
(() => {
  const cookie = (name) => (document.cookie.split("; ").find((c) => c.startsWith(`${name}=`)) || "").slice(name.length + 1);
  const sheet = document.getElementById("reject");
  const toast = document.getElementById("toast");
  let target = null;

  const say = (text) => {
    toast.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { toast.textContent = ""; }, 6000);
  };

  async function post(url, body, version) {
    const answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": cookie("coordinator_csrf"),
        ...(version && { "If-Match": `"${version}"` }),
      },
      body: JSON.stringify(body),
    });
    if (answer.ok) return null;
    const told = await answer.json().catch(() => ({}));
    return `Not saved (${answer.status}): ${told.detail || "the server did not say why"}`;
  }

  async function act(button, body, done) {
    button.setAttribute("aria-busy", "true");
    const failure = await post(button.dataset.url, body, button.dataset.version).catch(() => "Not saved: the server does not answer. Try again.");
    button.removeAttribute("aria-busy");
    document.dispatchEvent(new CustomEvent("coordinator:acted"));
    if (failure) return failure;
    say(done);
    return null;
  }

  function ask(button) {
    target = { dataset: { ...button.dataset }, button };
    const place = button.getBoundingClientRect();
    sheet.querySelector(".told").textContent = "";
    sheet.querySelector("textarea").value = "";
    sheet.querySelector("[data-name]").textContent = button.dataset.name;
    sheet.showPopover();
    const below = place.bottom + 6 + sheet.offsetHeight < innerHeight;
    sheet.style.top = `${below ? place.bottom + 6 : Math.max(8, place.top - 6 - sheet.offsetHeight)}px`;
    sheet.style.left = `${Math.max(16, Math.min(place.right, innerWidth - 16) - sheet.offsetWidth)}px`;
    sheet.querySelector("textarea").focus();
  }

  async function press(button) {
    if (button.dataset.act === "reject") return ask(button);
    if (button.dataset.ask && !window.confirm(button.dataset.ask)) return null;
    const failure = await act(button, {}, `${button.dataset.done || "Done"}: ${button.dataset.name}`);
    if (failure) say(failure);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) { event.preventDefault(); press(button); }
  });

  if (sheet) sheet.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const comment = sheet.querySelector("textarea").value.trim();
    const send = sheet.querySelector("button");
    send.dataset.url = target.dataset.url;
    send.dataset.version = target.dataset.version || "";
    const failure = await act(send, { comment }, `Rejected: ${target.dataset.name}`);
    sheet.querySelector(".told").textContent = failure || "";
    if (!failure) sheet.hidePopover();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches(".filters select")) event.target.form.requestSubmit();
  });

  const rows = () => [...document.querySelectorAll(".needs li")];
  const current = () => document.querySelector(".needs li.at");

  function move(step) {
    const all = rows();
    const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(current()) + step))];
    all.forEach((row) => row.classList.toggle("at", row === next));
    if (next) { next.scrollIntoView({ block: "nearest" }); next.querySelector("a").focus({ preventScroll: true }); }
  }

  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    a: () => current()?.querySelector(".prime[data-act=do]")?.click(),
    r: () => current()?.querySelector("[data-act=reject]")?.click(),
    "/": () => document.querySelector("input[type=search]")?.focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [popover]")) return;
    const key = KEYS[event.key.toLowerCase()];
    if (key) { event.preventDefault(); key(); }
  });
})();
