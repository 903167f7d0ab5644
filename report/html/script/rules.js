"use strict";
// Rules: all of them in a table with search, and one at a time.

/** rulesView lists rules by search and filter. */
function rulesView() {
  const chosen = { search: "", direction: "", access: "", kinds: "written", only: "" };
  const table = rulesTable();
  const found = haystack(rules, (row) => [
    text(rules.id[row]), text(rules.access[row]), text(rules.direction[row]), text(rules.protocol[row]), String(rules.priority[row]),
    ...["source", "sourcePorts", "destination", "destinationPorts"].flatMap((column) => texts(rules[column][row])),
    text(rules.file[row]) + ":" + rules.line[row],
  ].join(" "));
  const only = {
    "": () => true,
    shadowed: (row) => text(rules.shadowed[row]) !== "",
    idle: (row) => text(rules.exclusive[row]) === "0",
    finding: (row) => findingsOfRule().has(row),
    unresolved: (row) => !rules.resolved[row],
  };
  const draw = () => {
    const needles = words(chosen.search);
    table.show(every(rules).filter((row) =>
      (!chosen.direction || text(rules.direction[row]) === chosen.direction) &&
      (!chosen.access || text(rules.access[row]) === chosen.access) &&
      (chosen.kinds === "all" || (text(rules.kind[row]) === "default") === (chosen.kinds === "default")) &&
      only[chosen.only](row) && found(row, needles)));
  };
  const set = (key) => (value) => { chosen[key] = value; draw(); };
  draw();
  return [
    el("div", { class: "filters", role: "group", "aria-label": "Filter rules" },
      searchBox("Search rules: names, addresses, ports, files", set("search")),
      choice("Direction", [["", "Both directions"], ["Inbound", "Inbound"], ["Outbound", "Outbound"]], set("direction")),
      choice("Access", [["", "Allow and Deny"], ...[...new Set(every(rules).map((row) => text(rules.access[row])))].sort().map((a) => [a, a])], set("access")),
      choice("Kind", [["written", "Without default rules"], ["default", "Default rules"], ["all", "All rules"]], set("kinds")),
      choice("Show", [["", "Whatever their state"], ["shadowed", "Shadowed, wholly or in part"], ["idle", "Without flows of their own"],
        ["finding", "With a finding"], ["unresolved", "Not resolved"]], set("only"))),
    table.node];
}

/** rulesTable makes the table of rules. */
function rulesTable() {
  return listing({
    caption: "Security rules", noun: "rule", empty: "No rule fits.", kind: "rules", open: openRule,
    columns: [
      { label: "Rule", show: (row) => [ruleRef(row, false), el("span", { class: "under" }, isolated(last(text(rules.nsg[row]))))], sort: (row) => text(rules.id[row]).toLowerCase() },
      { label: "Direction", kind: "word", show: (row) => text(rules.direction[row]), sort: (row) => text(rules.direction[row]) },
      { label: "Priority", kind: "number", show: (row) => String(rules.priority[row]), sort: (row) => rules.priority[row] },
      { label: "Access", kind: "word", show: (row) => access(text(rules.access[row])), sort: (row) => text(rules.access[row]) },
      { label: "Protocol", kind: "short", show: (row) => isolated(text(rules.protocol[row])), sort: (row) => text(rules.protocol[row]) },
      { label: "Source", kind: "wide", show: (row) => selectors(rules.source[row], rules.sourcePorts[row]) },
      { label: "Destination", kind: "wide", show: (row) => selectors(rules.destination[row], rules.destinationPorts[row]) },
      { label: "NICs", kind: "number", show: (row) => number(rules.nics[row]), sort: (row) => rules.nics[row], down: true },
      { label: "Shadowed", kind: "wide", show: (row) => shadowed(row, 90), sort: (row) => text(rules.shadowed[row]), down: true },
      { label: "Own flows", kind: "word", show: ownFlows, sort: (row) => text(rules.exclusivePercent[row]) === "" ? 101 : Number(text(rules.exclusivePercent[row])) },
    ],
  });
}

/** selectors shows addresses, tags or groups with ports. */
function selectors(items, ports, shown = 3) {
  const all = texts(items), at = texts(ports);
  return el("span", { class: "selectors" }, all.length ? some(all, (s) => isolated(s === "*" ? "any" : last(s) && s.includes("/subscriptions/") ? last(s) : s, { title: s }), shown) : "any",
    at.length > 0 && !(at.length === 1 && at[0] === "*") && el("span", { class: "under" }, "port ", some(at, (s) => isolated(s), 4)));
}

function shadowed(row, longest) {
  const part = text(rules.shadowed[row]);
  if (!part) return el("span", { class: "quiet-text" }, "–");
  return el("span", { title: part }, isolated(part.length > longest ? part.slice(0, longest).trimEnd() + "…" : part));
}

/** ownFlows shows how much of what a rule matches no earlier rule takes. */
function ownFlows(row) {
  const percent = text(rules.exclusivePercent[row]);
  if (percent === "") return el("span", { class: "quiet-text" }, "–");
  return el("span", { class: "own", title: text(rules.exclusive[row]) + " flows" }, percent + " %", bar(percent));
}

/** openRule shows a rule in the dialog. */
function openRule(row) {
  const r = (column) => rules[column][row];
  openDialog(() => isolated(text(r("name"))), () => {
    const shadowedBy = list(r("shadowedBy")), about = findingsOfRule().get(row) || [];
    return [
      el("p", { class: "lead" }, access(text(r("access"))), " ", text(r("direction")), " ", mono(text(r("protocol"))), ", priority ", String(r("priority")),
        " in ", isolated(last(text(r("nsg")))), text(r("kind")) !== "user" && " (" + text(r("kind")) + " rule)"),
      pairs([
        ["Source", selectors(r("source"), r("sourcePorts"), 40)],
        ["Destination", selectors(r("destination"), r("destinationPorts"), 40)],
        ["Evaluated for", plural(r("nics"), "NIC")],
        ["Shadowed", text(r("shadowed")) && isolated(text(r("shadowed")))],
        ["By", shadowedBy.length > 0 && some(shadowedBy, ruleRef)],
        ["Its own flows", text(r("exclusive")) && [ownFlows(row), " ", number(text(r("exclusive"))), " flows at the NICs of the snapshot that no earlier rule of its group may match"]],
        ["Not resolved", r("resolved") === 0 && "A field is an expression that the snapshot does not answer."],
        ["Findings", about.length > 0 && el("ul", { class: "plain" }, about.map((f) => el("li", null, findingRef(f))))],
        ["Evidence", place(rules, row)],
        ["Id", mono(text(r("id")))],
      ])];
  });
}
