/* The slider of a mission's replay. Each move asks the page's own address for the regions of that moment and morphs
   them; the last wish wins. The address always names the moment, so that it can be shared. Without this script the
   form and its links do the same by loading the page. */
"use strict";
(() => {
  const PLAY_MS = 250, PLAY_STEPS = 60;
  const form = () => document.getElementById("replay");
  if (!form()) return;
  let busy = false, wanted = null, playing = 0;

  const hideWhatIsPlain = () => {
    form().querySelector("[data-plain]").hidden = true;
    form().querySelector("[data-play]").hidden = false;
    form().querySelector("[data-play]").setAttribute("aria-pressed", String(Boolean(playing)));
    form().querySelector("[data-play]").textContent = playing ? "Pause" : "Play";
  };

  function drawLines() {
    const places = form().dataset.lines.split(" ");
    document.querySelectorAll("[data-mark]").forEach((line) => {
      const x = places[Number(line.dataset.mark)];
      if (x) { line.setAttribute("x1", x); line.setAttribute("x2", x); }
    });
  }

  function settle() {
    const { at, with: other } = form().dataset;
    history.replaceState(null, "", `?tab=replay&at=${at}${other ? `&with=${other}` : ""}`);
    drawLines();
    hideWhatIsPlain();
  }

  async function show(address) {
    wanted = address;
    if (busy) return;
    busy = true;
    try {
      while (wanted) {
        const next = wanted;
        wanted = null;
        const answer = await fetch(next, { headers: { "X-Live": "slider=,tab=" }, credentials: "same-origin" });
        if (answer.redirected || !answer.ok) { location.assign(next); return; }
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (wanted) continue;
        for (const fresh of page.querySelectorAll("[data-live]")) {
          const old = document.getElementById(fresh.id);
          if (old) { old.dataset.token = fresh.dataset.token; Idiomorph.morph(old, fresh, { ignoreActiveValue: true }); }
        }
        settle();
      }
    } catch {
      stop();
    } finally {
      busy = false;
    }
  }

  function chosen() {
    const params = new URLSearchParams({ tab: "replay" });
    form().querySelectorAll("[data-moment]").forEach((slider) => params.set(slider.name, slider.value));
    return `?${params}`;
  }

  function stop() {
    clearInterval(playing);
    playing = 0;
    hideWhatIsPlain();
  }

  function play() {
    const slider = () => document.getElementById("moment");
    if (Number(slider().value) >= Number(slider().max)) slider().value = slider().min;
    const step = Math.max(1, Math.round((slider().max - slider().value) / PLAY_STEPS));
    playing = setInterval(() => {
      if (busy) return;
      slider().value = Number(slider().value) + step;
      show(chosen());
      if (Number(slider().value) >= Number(slider().max)) stop();
    }, PLAY_MS);
    hideWhatIsPlain();
  }

  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-moment]")) return;
    stop();
    show(chosen());
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (event.target.closest("[data-play]")) { if (playing) stop(); else play(); return; }
    const step = event.target.closest("a[data-step]");
    if (!step) return;
    event.preventDefault();
    stop();
    show(step.getAttribute("href"));
  });
  document.addEventListener("coordinator:morphed", () => { drawLines(); hideWhatIsPlain(); });
  hideWhatIsPlain();
})();
