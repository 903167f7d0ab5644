"use strict";
// Findings: what somebody should act on, with the evidence.

const SEVERITIES = ["critical", "high", "medium", "low", "info"];

/** findingsView lists findings by severity, category and search. */
function findingsView() {
  const chosen = { severities: new Set(SEVERITIES), category: "", search: "", dismissed: false };
  const found = haystack(findings, (row) => [
    text(findings.id[row]), text(findings.kind[row]), text(findings.title[row]), text(findings.message[row]),
    text(findings.resource[row]), refText(rules, "id", findings.rule[row]), text(findings.file[row]),
    ...texts(findings.services[row]), ...list(findings.nics[row]).map((ref) => refText(nics, "name", ref)),
  ].join(" "));
  const results = el("div", { class: "results" });
  const count = el("p", { class: "count", "aria-live": "polite" });
  let page = 0;

  function matching() {
    const needles = words(chosen.search);
    return every(findings).filter((row) =>
      (chosen.dismissed || !findings.dismissed[row]) && chosen.severities.has(text(findings.severity[row])) &&
      (!chosen.category || text(findings.category[row]) === chosen.category) && found(row, needles));
  }
  function draw() {
    const rows = matching(), pages = Math.max(1, Math.ceil(rows.length / PAGE));
    page = Math.min(page, pages - 1);
    const shown = rows.slice(page * PAGE, (page + 1) * PAGE);
    count.textContent = rows.length ? plural(rows.length, "finding") : "No finding fits.";
    results.replaceChildren(...shown.map((row) => findingNode(row)));
    if (pages > 1) results.append(pagerOf(page, pages, (to) => { page = to; draw(); count.scrollIntoView(); }));
  }
  const again = () => { page = 0; draw(); };
  const open = (word) => every(findings).filter((row) => !findings.dismissed[row] && text(findings.severity[row]) === word).length;
  const dismissed = every(findings).filter((row) => findings.dismissed[row]).length;
  const categories = [...new Set(every(findings).map((row) => text(findings.category[row])))].sort();
  draw();
  return [
    el("div", { class: "filters", role: "group", "aria-label": "Filter findings" },
      searchBox("Search findings", (value) => { chosen.search = value; again(); }),
      el("span", { class: "chips", role: "group", "aria-label": "Severity" }, SEVERITIES.map((word) =>
        toggle([severity(word), " " + number(open(word))], true, (on) => {
          chosen.severities[on ? "add" : "delete"](word);
          again();
        }, { "data-severity": word }))),
      choice("Category", [["", "All categories"], ...categories.map((c) => [c, c])], (value) => { chosen.category = value; again(); }),
      dismissed > 0 && toggle("Dismissed " + number(dismissed), false, (on) => { chosen.dismissed = on; again(); })),
    count, results];
}

/** pagerOf makes the buttons between pages of a list. */
function pagerOf(page, pages, go) {
  return el("nav", { class: "pager", "aria-label": "Pages" },
    el("button", { type: "button", disabled: page === 0, onclick: () => go(page - 1) }, "‹ Previous"),
    el("span", null, "Page " + (page + 1) + " of " + pages),
    el("button", { type: "button", disabled: page === pages - 1, onclick: () => go(page + 1) }, "Next ›"));
}

/** findingNode shows a finding that opens to its evidence. */
function findingNode(row) {
  const count = list(findings.nics[row]).length;
  const head = [
    severity(text(findings.severity[row])),
    el("span", { class: "finding-title" }, isolated(text(findings.title[row]))),
    el("span", { class: "finding-meta quiet-text" }, text(findings.kind[row]), count > 0 && " · " + plural(count, "NIC"),
      findings.dismissed[row] ? " · dismissed" : ""),
  ];
  if (onPaper) return el("article", { class: "finding" }, el("h3", { class: "finding-head" }, head), findingBody(row));
  const node = el("details", { class: "finding" + (findings.dismissed[row] ? " dismissed" : "") },
    el("summary", { class: "finding-head" }, head));
  const body = once(() => node.append(findingBody(row)));
  node.addEventListener("toggle", () => node.open && body());
  return node;
}

function findingBody(row, shown = 8) {
  const f = (column) => findings[column][row];
  const services = texts(f("services")), facts = texts(f("facts")), by = list(f("by"));
  return el("div", { class: "finding-body" },
    el("p", null, isolated(text(f("message")))),
    text(f("remedy")) && el("p", { class: "remedy" }, el("b", null, "Remedy "), isolated(text(f("remedy")))),
    pairs([
      ["Dismissed", f("dismissed") > 0 && [isolated(text(f("reason"))), " (", isolated(text(f("owner"))), ", until ", isolated(text(f("expires"))), ")"]],
      ["Rule", (f("rule") >= 0 || text(-1 - f("rule"))) && ruleRef(f("rule"))],
      ["With", by.length > 0 && some(by, ruleRef, shown)],
      ["Resource", text(f("resource")) && mono(text(f("resource")))],
      ["Services", services.length > 0 && some(services, (s) => isolated(s), shown)],
      ["NICs", list(f("nics")).length > 0 && some(list(f("nics")), nicRef, shown)],
      ["Missing facts", facts.length > 0 && some(facts, mono, shown)],
      ["Controls", list(f("controls")).length > 0 && some(list(f("controls")), controlRef)],
      ["Evidence", place(findings, row)],
      ["Flow", f("witness") >= 0 && witness(f("witness"))],
      ["Fingerprint", mono(text(f("id")))],
    ]));
}

/** findingRef names a finding; a button opens it. */
function findingRef(ref) {
  if (ref < 0) return mono(text(-1 - ref));
  return el("span", { class: "finding-ref" }, severity(text(findings.severity[ref])), " ",
    el("button", { type: "button", class: "link", onclick: () => openFinding(ref) }, isolated(text(findings.title[ref]))),
    findings.dismissed[ref] ? el("span", { class: "quiet-text" }, " dismissed") : null);
}

function openFinding(row) {
  openDialog(() => isolated(text(findings.title[row])), () => [
    el("p", null, severity(text(findings.severity[row])), " ", text(findings.kind[row])), findingBody(row, 20)]);
}

/** controlRef names a control of the benchmark. */
function controlRef(ref) {
  return ref >= 0 ? el("a", { href: "#controls", title: text(controls.title[ref]) }, text(controls.id[ref])) : text(-1 - ref);
}
