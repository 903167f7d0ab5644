"use strict";
// Views by address, theme, keys.

const VIEWS = {
  findings: ["Findings", findingsView],
  matrix: ["Zones", matrixView],
  nics: ["NICs", nicsView],
  rules: ["Rules", rulesView],
  unknown: ["Unknown", unknownView],
  controls: ["Controls", controlsView],
  evidence: ["Evidence", evidenceView],
};
const REPORT = document.title;
const main = document.getElementById("main");
const made = new Map([["overview", document.getElementById("overview")]]);

/** viewOf returns the section of a view and makes it at the first call. */
function viewOf(name) {
  if (!made.has(name)) {
    const [heading, show] = VIEWS[name];
    const node = el("section", { id: name, class: "view" }, el("h1", { tabindex: "-1" }, heading), show());
    made.set(name, node);
    main.append(node);
  }
  return made.get(name);
}

/** nicPage returns the section of a NIC; there is one at a time. */
function nicPage(row) {
  made.get("nic")?.remove();
  const node = el("section", { id: "nic", class: "view" },
    el("p", { class: "crumbs" }, el("a", { href: "#nics" }, "NICs"), " ›"),
    el("h1", { tabindex: "-1" }, isolated(text(nics.name[row]))), nicView(row));
  made.set("nic", node);
  main.append(node);
  return node;
}

/** route shows the view that the address names. */
function route(moved) {
  const hash = location.hash.slice(1);
  if (hash === "main") return;
  const nic = /^nic-(\d+)$/.exec(hash);
  const name = nic && Number(nic[1]) < size(nics) ? "nic" : Object.hasOwn(VIEWS, hash) ? hash : "overview";
  const node = name === "nic" ? nicPage(Number(nic[1])) : viewOf(name);
  for (const [other, section] of made) section.hidden = other !== name;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === "#" + (name === "nic" ? "nics" : name)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = node.querySelector("h1");
  document.title = name === "overview" ? REPORT : heading.textContent + " · " + REPORT;
  if (moved) {
    if (dialog.open) dialog.close();
    scrollTo(0, 0);
    heading.focus({ preventScroll: true });
  }
}

const themeButton = document.getElementById("theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** isDark reports which theme the page has now. */
function isDark() {
  return (document.documentElement.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
}

function labelTheme() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme");
  document.dispatchEvent(new Event("themechange"));
}

themeButton.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  labelTheme();
});
prefersDark.addEventListener("change", labelTheme);
document.getElementById("print").addEventListener("click", () => print());

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  let field = document.querySelector(".view:not([hidden]) input[type=search]");
  if (!field) {
    // A view without a search has nothing to look for: rules do.
    history.pushState(null, "", "#rules");
    route(true);
    field = document.querySelector("#rules input[type=search]");
  }
  field.focus();
  field.select();
});

fillOverview(document.getElementById("overview"));
for (const id of ["nav", "theme", "print"]) document.getElementById(id).hidden = false;
labelTheme();
addEventListener("hashchange", () => route(true));
route(false);
document.documentElement.dataset.ready = String(Math.round(performance.now()));
