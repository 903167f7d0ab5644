"use strict";
// The overview: the cards stand in the page already, this adds what is worst.

const SHOWN = 8;

/** fillOverview adds to the cards of the page. */
function fillOverview(node) {
  const open = every(findings).filter((row) => !findings.dismissed[row]);
  node.append(section("Worst findings",
    open.length === 0 && el("p", { class: "quiet-text" }, "No open finding."),
    open.slice(0, SHOWN).map((row) => findingNode(row)),
    open.length > SHOWN && el("p", null, el("a", { href: "#findings" }, "All " + plural(open.length, "finding")))));
  node.append(reachedTable() ?? "");
}

/** sensitiveOfNICs maps NICs to the listed services that the Internet reaches at
 * them. */
const sensitiveOfNICs = once(() => {
  const out = new Map();
  for (const row of every(exposures)) {
    if (text(groups.direction[exposures.group[row]]) !== "Inbound" || text(exposures.access[row]) !== "Allow" || !list(exposures.zones[row]).some(isInternet)) continue;
    for (const item of list(exposures.sensitive[row])) {
      for (const nic of list(groups.nics[exposures.group[row]])) {
        if (!out.has(nic)) out.set(nic, []);
        out.get(nic).push(item);
      }
    }
  }
  return out;
});

/** isInternet reports whether a reference to a zone means the Internet. */
function isInternet(ref) {
  return refText(zones, "name", ref) === "Internet";
}

/** guarded reports whether a listed service is for administrators and data, not
 * for the public. */
function guarded(item) {
  return !["web", "udp"].includes(text(sensitive.category[item]));
}

/** reachedTable lists the NICs at which the Internet reaches guarded services. */
function reachedTable() {
  const reached = new Map([...sensitiveOfNICs()].map(([nic, items]) => [nic, items.filter(guarded)]).filter(([, items]) => items.length));
  if (!reached.size) return null;
  const table = listing({
    caption: "Listed services that the Internet reaches", noun: "NIC", empty: "None.",
    columns: [
      { label: "NIC", show: nicRef, sort: (nic) => refText(nics, "id", nic) },
      { label: "Services", show: (nic) => sensitiveNodes(reached.get(nic)) },
      { label: "Remote addresses", kind: "number", show: (nic) => round(widest(reached.get(nic))), sort: (nic) => Number(widest(reached.get(nic))), down: true },
      { label: "Deciding rules", show: (nic) => some([...new Set(reached.get(nic).flatMap((item) => list(sensitive.rules[item])))], ruleRef, 4) },
    ],
  });
  table.show([...reached.keys()].sort((a, b) => reached.get(b).length - reached.get(a).length || a - b));
  return section("Management and data ports that the Internet reaches", table.node);
}

/** widest returns the largest count of remote addresses, as decimal digits. */
function widest(items) {
  return items.map((item) => text(sensitive.addresses[item])).reduce((a, b) =>
    b.length > a.length || (b.length === a.length && b > a) ? b : a, "0");
}

/** sensitiveNodes names listed services, each once. */
function sensitiveNodes(items) {
  const once = new Map(items.map((item) => [["name", "protocol", "ports"].map((column) => sensitive[column][item]).join(), item]));
  return some([...once.values()], sensitiveNode, 8);
}

/** sensitiveNode names a listed service and its ports. */
function sensitiveNode(item) {
  const ports = portsText(texts(sensitive.ports[item]));
  return el("span", { class: "tag" }, isolated(text(sensitive.name[item])), " ",
    el("span", { class: "quiet-text" }, isolated(text(sensitive.protocol[item])), ports && " " + ports));
}
