"use strict";
// What is not known, how controls are met, and what the report rests on.

/** unknownView lists the missing facts. */
function unknownView() {
  const table = listing({
    caption: "Missing facts", noun: "missing fact", empty: "Nothing is missing: every verdict is Allow or Deny.",
    columns: [
      { label: "Fact", show: (row) => mono(text(facts.fact[row])), sort: (row) => text(facts.fact[row]) },
      { label: "NICs that rest on it", show: (row) => counted(list(facts.nics[row]), nicRef), sort: (row) => list(facts.nics[row]).length, down: true },
      { label: "Rules that rest on it", show: (row) => counted(list(facts.rules[row]), ruleRef), sort: (row) => list(facts.rules[row]).length, down: true },
      { label: "Remedy", show: (row) => isolated(text(facts.remedy[row])) },
    ],
  });
  table.show(every(facts));
  return [
    el("p", { class: "lead" }, "Where the snapshot does not say enough, the answer is Unknown, never a guess. Adding these facts decides it."),
    table.node];
}

/** counted shows how many, then the first of them. */
function counted(items, show) {
  if (!items.length) return el("span", { class: "quiet-text" }, "none");
  return [el("b", null, number(items.length)), " ", some(items, show, 5)];
}

const STATUS = { pass: ["✓", "Pass"], fail: ["✕", "Fail"], unknown: ["?", "Undecided"], "not-applicable": ["–", "Not applicable"] };

function status(word) {
  const [sign, name] = STATUS[word] || ["?", word];
  return el("span", { class: "access status-" + word }, el("span", { class: "sign", "aria-hidden": "true" }, sign), name);
}

/** controlsView lists the controls of the benchmark. */
function controlsView() {
  const table = listing({
    caption: "Controls", noun: "control", empty: "No control was judged.", kind: "controls",
    columns: [
      { label: "Control", show: (row) => [el("b", null, text(controls.id[row])), " ", text(controls.title[row])] },
      { label: "Status", kind: "word", show: (row) => status(text(controls.status[row])), sort: (row) => text(controls.status[row]) },
      { label: "Why", show: (row) => isolated(text(controls.reason[row])) },
      { label: "Findings", show: (row) => {
        const all = list(controls.findings[row]);
        return all.length ? el("ul", { class: "plain" }, all.slice(0, 6).map((f) => el("li", null, findingRef(f))),
          all.length > 6 && el("li", { class: "quiet-text" }, plural(all.length - 6, "more finding"))) : el("span", { class: "quiet-text" }, "none");
      } },
    ],
  });
  table.show(every(controls));
  return [
    el("p", { class: "lead" }, isolated(text(meta.benchmark)), ", judged on what can really be reached, not on single rules."),
    table.node];
}

/** evidenceView shows what the report was made from. */
function evidenceView() {
  const at = (key) => text(meta[key]);
  const documents = listing({
    caption: "Documents", noun: "document", empty: "No document.",
    columns: [
      { label: "Document", show: (row) => mono(text(data.documents.path[row])), sort: (row) => text(data.documents.path[row]) },
      { label: "Kind", show: (row) => text(data.documents.kind[row]), sort: (row) => text(data.documents.kind[row]) },
      { label: "Resources", kind: "number", show: (row) => number(data.documents.resources[row]), sort: (row) => data.documents.resources[row], down: true },
      { label: "SHA-256", show: (row) => el("span", { class: "hash" }, mono(text(data.documents.sha256[row]))) },
    ],
  });
  documents.show(every(data.documents));
  return [
    pairs([
      ["Snapshot SHA-256", at("sha256") && el("span", { class: "hash" }, mono(at("sha256")))],
      ["Made by", ["ipflow ", mono(at("version"))]],
      ["Dismissals held against", at("now")],
      ["Service tags", at("tags") ? isolated(at("tags")) : "none in the snapshot"],
      ["Internet tag", isolated(at("internet"))],
      ["Faults of the input", plural(meta.errors, "error") + ", " + plural(meta.warnings, "warning")],
    ]),
    section("Documents", documents.node),
    section("Resources", el("ul", { class: "columns" }, every(data.resources).map((row) =>
      el("li", null, el("b", null, number(data.resources.count[row])), " ", isolated(text(data.resources.type[row])))))),
    assumptionsPart(), dismissalsPart(),
  ];
}

function assumptionsPart() {
  const table = data.assumptions;
  const shown = listing({
    caption: "Assumptions", noun: "assumption", empty: "None.",
    columns: [
      { label: "Assumption", show: (row) => mono(text(table.name[row])) },
      { label: "Value", show: (row) => [mono(text(table.value[row])), table.default[row] ? "" : " (changed)"] },
      { label: "Meaning", show: (row) => isolated(text(table.meaning[row])) },
    ],
  });
  shown.show(every(table));
  return section("Assumptions where Azure's behaviour is not settled", shown.node);
}

function dismissalsPart() {
  if (!size(dismissals)) return null;
  const shown = listing({
    caption: "Dismissals", noun: "dismissal", empty: "None.",
    columns: [
      { label: "Finding", show: (row) => findingRef(dismissals.finding[row]) },
      { label: "State", kind: "word", show: (row) => text(dismissals.state[row]), sort: (row) => text(dismissals.state[row]) },
      { label: "Reason", show: (row) => isolated(text(dismissals.reason[row])) },
      { label: "Owner", show: (row) => isolated(text(dismissals.owner[row])), sort: (row) => text(dismissals.owner[row]) },
      { label: "Expires", kind: "word", show: (row) => text(dismissals.expires[row]), sort: (row) => text(dismissals.expires[row]) },
      { label: "Baseline", show: (row) => place(dismissals, row) },
    ],
  });
  shown.show(every(dismissals));
  return section("Dismissals of the baseline", shown.node);
}
