"use strict";
// NICs: all of them in a table, and a page for each.

const STATES = ["open", "unknown", "restricted", "closed"];

/** nicsView lists NICs by search and exposure. */
function nicsView() {
  const chosen = { search: "", state: "all" };
  const table = nicsTable();
  const found = haystack(nics, (row) => [
    text(nics.id[row]), last(text(nics.vm[row])), text(nics.subnet[row]), text(nics.nsg[row]), text(nics.subnetNsg[row]),
    ...texts(nics.addresses[row]), ...texts(nics.asgs[row]), ...texts(nics.ways[row]),
  ].join(" "));
  const draw = () => {
    const needles = words(chosen.search);
    table.show(every(nics).filter((row) => (chosen.state === "all" || text(nics.internet[row]) === chosen.state) && found(row, needles)));
  };
  draw();
  const present = STATES.filter((state) => every(nics).some((row) => text(nics.internet[row]) === state));
  return [
    el("div", { class: "filters", role: "group", "aria-label": "Filter NICs" },
      searchBox("Search NICs: names, addresses, machines, subnets", (value) => { chosen.search = value; draw(); }),
      choice("Reach of the Internet", [["all", "Whatever the Internet reaches"], ...present.map((s) => [s, INTERNET[s]])], (value) => { chosen.state = value; draw(); })),
    table.node];
}

/** nicsTable makes the table of NICs. */
function nicsTable() {
  const name = (id) => id ? isolated(last(id), { title: id }) : el("span", { class: "quiet-text" }, "none");
  return listing({
    caption: "Network interfaces", noun: "NIC", empty: "No NIC fits.", open: (row) => { location.hash = "nic-" + row; },
    columns: [
      { label: "NIC", show: nicRef, sort: (row) => text(nics.name[row]).toLowerCase() },
      { label: "Machine", show: (row) => name(text(nics.vm[row])), sort: (row) => last(text(nics.vm[row])).toLowerCase() },
      { label: "Addresses", show: (row) => some(texts(nics.addresses[row]), mono, 3), sort: (row) => addressKey(texts(nics.addresses[row])[0] || "") },
      { label: "Subnet", show: (row) => name(text(nics.subnet[row])), sort: (row) => text(nics.subnet[row]).toLowerCase() },
      { label: "Security groups", show: (row) => groupsOfNIC(row), sort: (row) => last(text(nics.subnetNsg[row])) + last(text(nics.nsg[row])) },
      { label: "Internet", kind: "short", show: (row) => internet(text(nics.internet[row]), true), sort: (row) => STATES.indexOf(text(nics.internet[row])) },
      { label: "Listed services", show: (row) => sensitiveNodes(sensitiveOfNICs().get(row) || []), sort: (row) => (sensitiveOfNICs().get(row) || []).length, down: true },
    ],
  });
}

function groupsOfNIC(row) {
  const parts = [["subnet", text(nics.subnetNsg[row])], ["NIC", text(nics.nsg[row])]].filter(([, id]) => id);
  if (!parts.length) return el("span", { class: "quiet-text" }, "none");
  return parts.map(([where, id], i) => [i ? ", " : "", isolated(last(id), { title: id }), el("span", { class: "quiet-text" }, " " + where)]);
}

/** addressKey orders IPv4 addresses by number. */
function addressKey(address) {
  return /^\d+(\.\d+){3}$/.test(address) ? address.split(".").map((n) => n.padStart(3, "0")).join(".") : "~" + address;
}

/** nicView is the page of a NIC; brief leaves out what the whole report on paper
 * has elsewhere. */
function nicView(row, brief = false) {
  const about = findingsOfNIC().get(row) || [];
  const ways = texts(nics.ways[row]), asgs = texts(nics.asgs[row]), zonesOf = zonesOfNIC().get(row) || [];
  const file = text(nics.file[row]);
  return [
    el("p", { class: "lead" }, internet(text(nics.internet[row])), ways.length > 0 && " · leads here: " + ways.join(", ")),
    pairs([
      ["Addresses", some(texts(nics.addresses[row]), mono, 20)],
      ["Machine", text(nics.vm[row]) && path(text(nics.vm[row]))],
      ["Subnet", text(nics.subnet[row]) && path(text(nics.subnet[row]))],
      ["Subnet NSG", path(text(nics.subnetNsg[row]) || "none")],
      ["NIC NSG", path(text(nics.nsg[row]) || "none")],
      ["ASGs", asgs.length > 0 && some(asgs, (id) => isolated(last(id), { title: id }))],
      ["Zone", zonesOf.length > 0 && some(zonesOf, (z) => isolated(zoneLabel(z), { title: text(zones.name[z]) }))],
      ["Written in", file && mono(file + ":" + nics.line[row])],
      ["Id", mono(text(nics.id[row]))],
    ]),
    ["Inbound", "Outbound"].map((direction) => trafficPart(row, direction)),
    !brief && about.length > 0 && section("Findings", about.slice(0, PAGE).map((f) => findingNode(f)),
      about.length > PAGE && el("p", { class: "quiet-text" }, "The first " + PAGE + " of " + number(about.length) + ".")),
    !brief && rulesPart(row),
  ];
}

/** rulesPart lists the rules of the NIC's security groups. */
function rulesPart(row) {
  const ids = [...new Set([text(nics.subnetNsg[row]), text(nics.nsg[row])].map((id) => id.toLowerCase()).filter(Boolean))];
  const own = ids.flatMap((id) => rulesOfNSG().get(id) || []);
  if (!own.length) return null;
  const table = rulesTable();
  table.show(own);
  return section("Rules of its security groups", table.node);
}
