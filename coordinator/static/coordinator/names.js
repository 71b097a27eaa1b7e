/* Gives the admin's search-as-you-type fields their label as a name: select2 puts a box of its own before the select. */
"use strict";
addEventListener("load", () => {
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const box = select.parentElement.querySelector(".select2-selection");
    const label = select.labels[0]?.textContent.replace(/:\s*$/, "").trim();
    if (!box || !label) continue;
    for (const named of [box, box.querySelector("[role=textbox]")]) named?.setAttribute("aria-label", label);
    box.removeAttribute("aria-labelledby");
  }
});
