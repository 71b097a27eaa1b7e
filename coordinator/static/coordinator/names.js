/* Gives the admin's search-as-you-type fields their label as a name: select2 puts a box of its own before the select. */
"use strict";
(() => {
  function name() {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      const box = select.parentElement.querySelector(".select2-selection");
      const label = select.labels[0]?.textContent.replace(/:\s*$/, "").trim();
      if (!box || !label) continue;
      for (const named of [box, box.querySelector("[role=textbox]")]) named?.setAttribute("aria-label", label);
      box.removeAttribute("aria-labelledby");
    }
  }
  /* jQuery calls back in order, so this comes after Django has made the boxes. */
  addEventListener("DOMContentLoaded", () => window.django?.jQuery?.(name));
})();
