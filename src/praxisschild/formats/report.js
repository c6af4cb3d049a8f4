"use strict";
(() => {
  const form = document.querySelector(".filters");
  const rows = [...document.querySelectorAll(".req")].map((element) => ({
    element,
    details: element.querySelector("details"),
    text: element.textContent.toLocaleLowerCase("de"),
    hosts: element.dataset.hosts.split("|"),
  }));
  const text = document.getElementById("f-text");
  const host = document.getElementById("f-host");
  const count = form.querySelector(".count");

  function filter() {
    const words = text.value.toLocaleLowerCase("de").split(/\s+/).filter(Boolean);
    const verdicts = [...form.querySelectorAll("input[name=verdict]:checked")].map((box) => box.value);
    let shown = 0;
    for (const row of rows) {
      const fits =
        words.every((word) => row.text.includes(word)) &&
        (!host.value || row.hosts.includes(host.value)) &&
        (!verdicts.length || verdicts.includes(row.element.dataset.verdict));
      row.element.hidden = !fits;
      shown += fits;
    }
    for (const kind of ["[data-group]", "[data-section]"]) {
      for (const block of document.querySelectorAll(kind)) {
        block.hidden = !block.querySelector(".req:not([hidden])");
      }
    }
    count.textContent = `${shown} von ${rows.length} Anforderungen angezeigt`;
    document.body.classList.toggle("filtered", shown < rows.length);
  }

  function toggle(open) {
    for (const row of rows) row.details.open = open;
  }

  function reveal() {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return;
    }
    if (!target || !target.closest("#anforderungen")) return;
    if (target.hidden || target.closest("[hidden]")) {
      form.reset();
      filter();
    }
    const details = target.matches(".req") && target.querySelector("details");
    if (details) details.open = true;
    target.scrollIntoView();
  }

  // What a table of measurements needs only when somebody looks: on a narrow screen it is made of blocks, and a screen
  // reader is to be told what these are; a long name breaks where its words end. In thousands of lines of the file the
  // words for that would be a third of the page.
  const roles = {
    table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", "thead th": "columnheader", "tbody th": "rowheader", td: "cell",
  };
  function dress(details) {
    if (!details.open || details.dataset.dressed) return;
    details.dataset.dressed = "yes";
    for (const [part, role] of Object.entries(roles)) {
      for (const element of details.querySelectorAll(part)) element.setAttribute("role", role);
    }
    for (const name of details.querySelectorAll(".test")) {
      name.replaceChildren(...name.textContent.split(/(?<=_)/).flatMap((part) => [part, document.createElement("wbr")]));
    }
  }

  // without this script everything is open; with it, what needs nobody's attention starts closed
  for (const row of rows) {
    row.details.open = ["failed", "expired"].includes(row.element.dataset.status);
    dress(row.details);
    row.details.addEventListener("toggle", () => dress(row.details));
  }
  for (const list of document.querySelectorAll(".more")) list.open = false;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  document.getElementById("b-open").addEventListener("click", () => toggle(true));
  document.getElementById("b-close").addEventListener("click", () => toggle(false));
  window.addEventListener("hashchange", reveal);
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
  reveal();
})();
