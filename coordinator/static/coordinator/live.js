/* Live regions. The socket only tells that something changed; the page asks its own address for the regions that
   follow those topics and morphs them. A lost signal heals itself: hard refetch on reconnect, safety refetch each 30 s. */
"use strict";
(() => {
  const GAP_MS = 250, SAFETY_MS = 30000, SLOWEST_MS = 20000, HEARD_S = 120;
  const root = document.documentElement;
  root.dataset.js = "";
  const regions = () => [...document.querySelectorAll("[data-live]")];
  if (!regions().length) return;

  const pill = document.getElementById("live-state");
  const dirty = new Set();
  let socket = null, lastId = 0, tries = 0, lost = false, busy = false, hard = false, again = 0, lastFetch = 0, freshAt = Date.now(), state = "";

  const words = {
    live: () => "Live",
    waiting: () => "Connecting",
    lost: () => `Not live, ${age(Date.now() - freshAt)} old`,
    out: () => "Signed out. Reload to sign in",
  };
  const age = (ms) => (ms < 60000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60000)} min`);

  function show(next) {
    if (state === "out") return;
    state = next;
    if (!pill) return;
    const text = words[next]();
    pill.dataset.state = next === "out" ? "lost" : next;
    if (pill.textContent !== text) pill.textContent = text;
  }

  const FAMILY = {
    mission: "missions", task: "tasks", agent: "agents", objective: "objectives", key_result: "objectives",
    requirement: "requirements", sprint: "sprints", policy: "policies", decision: "policies", approval: "approvals",
    advisory: "advisories", document: "knowledge", execution: "tasks", usage: "agents",
  };

  /* A frame names only the most particular of its topics that this page follows. So a region is also touched by the
     family of the event, and one that follows another particular thing by every frame of a particular thing. */
  function touches(region, frame) {
    const family = FAMILY[(frame.event || "").split(".")[0]];
    const particular = (frame.topic || "").includes(":");
    return region.dataset.topics.split(" ").some((t) => t === frame.topic || t === family || (particular && t.includes(":")));
  }

  /* Presence: when an agent was last heard of moves its light and the words beside it, and fetches nothing. */
  const lights = () => [...document.querySelectorAll("[data-agent-light]")];

  function shine(node, at) {
    const time = node.querySelector("time") || node.appendChild(document.createElement("time"));
    if (at && !(Date.parse(time.dateTime) > Date.parse(at))) {
      [...node.childNodes].forEach((each) => { if (each.nodeType === 3) each.remove(); });
      time.dateTime = at;
      time.title = new Date(at).toLocaleString();
    }
    if (!time.dateTime) return time.remove();
    const since = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const words = since < 60 ? "now" : since < 7200 ? `${Math.floor(since / 60)} min` : since < 172800 ? `${Math.floor(since / 3600)} h` : `${Math.floor(since / 86400)} d`;
    if (time.textContent !== words) time.textContent = words;
    const state = since < HEARD_S ? "on" : "off";
    if (node.dataset.state !== state) node.dataset.state = state;
  }

  function want(list) {
    list.forEach((region) => dirty.add(region.dataset.live));
    if (!dirty.size || document.hidden || state === "out") return;
    clearTimeout(again);
    again = setTimeout(refetch, Math.max(busy ? GAP_MS : 0, lastFetch + GAP_MS - Date.now()));
  }

  async function refetch() {
    if (busy) { again = setTimeout(refetch, GAP_MS); return; }
    const asked = regions().filter((region) => hard || dirty.has(region.dataset.live));
    if (!asked.length) return;
    const header = asked.map((region) => `${region.dataset.live}=${hard ? "" : region.dataset.token}`).join(",");
    busy = true;
    hard = false;
    lastFetch = Date.now();
    dirty.clear();
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": header }, credentials: "same-origin" });
      if (answer.redirected || answer.status === 401 || answer.status === 403) return show("out");
      if (!answer.ok) throw new Error(String(answer.status));
      apply(new DOMParser().parseFromString(await answer.text(), "text/html"));
      freshAt = Date.now();
      if (socket && socket.readyState === WebSocket.OPEN) show("live");
    } catch (failure) {
      asked.forEach((region) => dirty.add(region.dataset.live));
      if (state !== "waiting") show("lost");
    } finally {
      busy = false;
      if (dirty.size && state === "live") want([]);
    }
  }

  function apply(page) {
    for (const fresh of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(fresh.id);
      if (!old) continue;
      old.dataset.token = fresh.dataset.token;
      if ("same" in fresh.dataset) continue;
      Idiomorph.morph(old, fresh, {
        ignoreActiveValue: Boolean(document.activeElement?.matches("input, textarea, select")),
        callbacks: { beforeNodeMorphed: keep, afterNodeAdded: flash },
      });
    }
    document.querySelectorAll("[data-changed]").forEach((node) => { delete node.dataset.changed; flash(node); });
    const count = document.querySelector("[data-count]");
    const plain = document.title.replace(/^\(\d+\) /, "");
    if (count) document.title = count.dataset.count > 0 ? `(${count.dataset.count}) ${plain}` : plain;
    document.dispatchEvent(new CustomEvent("coordinator:morphed"));
  }

  function keep(old, fresh) {
    if (old.nodeType !== 1) return true;
    if (old.hasAttribute("data-live-keep")) return false;
    if (old.tagName === "DETAILS" && old.open) fresh.setAttribute("open", "");
    if (old.dataset.stamp && old.dataset.stamp !== fresh.dataset.stamp) fresh.dataset.changed = "";
    return true;
  }

  function flash(node) {
    if (node.nodeType !== 1 || !node.dataset.stamp) return;
    node.classList.remove("flash");
    requestAnimationFrame(() => node.classList.add("flash"));
  }

  function connect() {
    const topics = new Set(regions().flatMap((region) => region.dataset.topics.split(" ")));
    if (topics.has("agents")) topics.add("presence");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const after = lastId ? `&after=${lastId}` : "";
    socket = new WebSocket(`${scheme}//${location.host}/ws/stream?topics=${encodeURIComponent([...topics].join(","))}${after}`);
    socket.onmessage = (message) => hear(JSON.parse(message.data));
    socket.onclose = (closed) => {
      if (closed.code === 4401) return show("out");
      if (state === "live") freshAt = Date.now();
      lost = true;
      show("lost");
      setTimeout(connect, Math.min(SLOWEST_MS, 500 * 2 ** tries++) * (0.5 + Math.random()));
    };
  }

  function hear(frame) {
    if (frame.event === "heartbeat") return;
    if (frame.event === "presence") {
      lights().forEach((node) => { const at = frame.data.agents[node.dataset.agentLight]; if (at) shine(node, at); });
      return;
    }
    if (frame.event === "outputs") {
      const tasks = Object.keys(frame.data.tasks).map((id) => `task:${id}`);
      want(regions().filter((region) => {
        const followed = region.dataset.topics.split(" ");
        return followed.includes("outputs") && followed.some((topic) => tasks.includes(topic));
      }));
      return;
    }
    if (frame.event === "subscribed" || frame.event === "reset") {
      tries = 0;
      hard = lost || frame.event === "reset";
      lost = false;
      want(regions());
      return;
    }
    if (frame.id) lastId = Math.max(lastId, frame.id);
    want(regions().filter((region) => touches(region, frame)));
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) want(regions()); });
  document.addEventListener("coordinator:acted", () => want(regions()));
  setInterval(() => { if (Date.now() - lastFetch >= SAFETY_MS) want(regions()); }, SAFETY_MS / 6);
  setInterval(() => { if (state === "lost") show("lost"); }, 1000);
  setInterval(() => lights().forEach((node) => shine(node)), 10000);
  show("waiting");
  connect();
})();
