/* The slider of a mission's replay. Each move asks the page's own address for the regions of that moment and morphs
   them; the last wish wins. The address always names the moment, so that it can be shared. Without this script the
   form and its links do the same by loading the page. */
"use strict";
(() => {
  const PLAY_MS = 250, PLAY_STEPS = 60, EDGE = 24;
  const form = () => document.getElementById("replay");
  if (!form()) return;
  let busy = false, wanted = null, playing = 0, moved = 0;

  const hideWhatIsPlain = () => {
    if (!form()) return;
    form().querySelector("[data-plain]").hidden = true;
    form().querySelector("[data-play]").hidden = false;
    form().querySelector("[data-play]").setAttribute("aria-pressed", String(Boolean(playing)));
    form().querySelector("[data-play]").textContent = playing ? "Pause" : "Play";
  };

  function drawLines() {
    if (!form()) return;
    const places = form().dataset.lines.split(" ");
    document.querySelectorAll("[data-mark]").forEach((mark) => {
      const x = places[Number(mark.dataset.mark)];
      if (!x) return;
      mark.setAttribute("transform", `translate(${x} 0)`);
      const middle = mark.ownerSVGElement.viewBox.baseVal.width / 2, left = Number(x) > middle;
      mark.querySelectorAll("text").forEach((name) => {
        name.setAttribute("text-anchor", left ? "end" : "start");
        name.setAttribute("x", left ? -6 : 6);
      });
    });
  }

  function scrollToMark() {
    const line = document.querySelector(`[data-mark="${moved}"] line`), frame = line?.closest(".scroll");
    if (!frame) return;
    const at = line.getBoundingClientRect().left - frame.getBoundingClientRect().left;
    if (at < EDGE || at > frame.clientWidth - EDGE) frame.scrollLeft += at - frame.clientWidth / 2;
  }

  function settle() {
    if (!form()) return;
    const { at, with: other } = form().dataset;
    history.replaceState(null, "", `?tab=replay&at=${at}${other ? `&with=${other}` : ""}`);
    drawLines();
    scrollToMark();
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
    moved = 0;
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
    moved = event.target.id === "moment" ? 0 : 1;
    stop();
    show(chosen());
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (event.target.closest("[data-play]")) { if (playing) stop(); else play(); return; }
    const step = event.target.closest("a[data-step]");
    if (!step) return;
    event.preventDefault();
    moved = 0;
    stop();
    show(step.getAttribute("href"));
  });
  document.addEventListener("coordinator:morphed", () => { drawLines(); hideWhatIsPlain(); });
  hideWhatIsPlain();
  scrollToMark();
})();
