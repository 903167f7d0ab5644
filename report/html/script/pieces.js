"use strict";
// Pieces that several views show: verdicts, severities, rules, places, witnesses.

const ACCESS = { Allow: ["allow", "✓"], Deny: ["deny", "✕"], Unknown: ["unknown", "?"] };

/** access shows a verdict by word, sign and colour. */
function access(word) {
  const [kind, sign] = ACCESS[word] || ["unknown", "?"];
  return el("span", { class: "access access-" + kind }, el("span", { class: "sign", "aria-hidden": "true" }, sign), word);
}

/** severity shows how bad a finding is. */
function severity(word) {
  return el("span", { class: "severity severity-" + word }, word);
}

const INTERNET = {
  open: "open to the Internet at large",
  restricted: "open to parts of the Internet",
  unknown: "not decidable",
  closed: "closed to the Internet",
};

const INTERNET_SHORT = { open: "at large", restricted: "in part", unknown: "not decidable", closed: "closed" };

/** internet shows how far the Internet reaches. */
function internet(state, short) {
  return el("span", { class: "state" }, el("span", { class: "mark mark-" + state, "aria-hidden": "true" }), (short ? INTERNET_SHORT : INTERNET)[state] ?? state);
}

/** ruleRef shows a rule by name, as a button that opens it. */
function ruleRef(ref, withNSG = true) {
  if (ref < 0) {
    const id = text(-1 - ref);
    return id ? isolated(last(id), { class: "mono", title: id }) : el("span", { class: "quiet-text" }, "no rule");
  }
  const id = text(rules.id[ref]);
  return el("span", { class: "rule-ref" },
    el("button", { type: "button", class: "link", title: id, onclick: () => openRule(ref) }, isolated(text(rules.name[ref]))),
    withNSG && el("span", { class: "quiet-text" }, " ", isolated(last(text(rules.nsg[ref]))), " ", String(rules.priority[ref])));
}

/** nicRef shows a NIC by name, as a link to its page. */
function nicRef(ref) {
  if (ref < 0) {
    const id = text(-1 - ref);
    return isolated(last(id) || "–", { title: id });
  }
  return el("a", { href: "#nic-" + ref, title: text(nics.id[ref]) }, isolated(text(nics.name[ref])));
}

/** some shows the first of many with the count of the others; a button shows all. */
function some(items, show, shown = 8, between = ", ") {
  if (!items.length) return el("span", { class: "quiet-text" }, "none");
  const node = el("span", { class: "some" });
  const put = (n) => {
    node.replaceChildren(...items.slice(0, n).flatMap((item, i) => (i ? [between, show(item)] : [show(item)])));
    if (items.length > n) {
      const more = Math.min(items.length - n, 500);
      node.append(" ", el("button", { type: "button", class: "link more", onclick: () => put(n + more) }, number(items.length - n) + " more"));
    }
  };
  const most = onPaper ? 200 : shown;
  put(items.length <= most + 1 ? items.length : most);
  return node;
}

/** path names a resource by its group and names, whole in its title:
 * "rg-data / vnet-data / snet-etl". */
function path(id) {
  const parts = id.split("/");
  if (parts.length < 9 || parts[1].toLowerCase() !== "subscriptions") return isolated(id);
  const names = [parts[4], ...parts.slice(8).filter((_, i) => i % 2 === 0)];
  return el("span", { title: id }, names.map((name, i) => [i ? " / " : "", isolated(name)]));
}

/** mono shows a text of the input, as it stands there. */
function mono(value) {
  return isolated(value, { class: "mono" });
}

/** place shows where a row stands in the input: file, line, pointer, hash. */
function place(table, row) {
  const file = text(table.file[row]);
  if (!file) return el("span", { class: "quiet-text" }, "not written in the input");
  let at = file;
  if (table.line[row]) at += ":" + table.line[row] + (table.column?.[row] ? ":" + table.column[row] : "");
  const pointer = table.pointer ? text(table.pointer[row]) : "";
  const hash = table.sha256 ? text(table.sha256[row]) : "";
  return el("span", { class: "place" }, mono(at), pointer && [" ", mono(pointer)],
    hash && el("span", { class: "hash" }, "SHA-256 ", mono(hash)));
}

/** pairs shows names with values; pairs without a value are left out. */
function pairs(entries) {
  return el("dl", { class: "pairs" }, entries
    .filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "")
    .map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))));
}

/** endText writes an address with its port. */
function endText(address, port) {
  if (port < 0) return address;
  return (address.includes(":") ? "[" + address + "]" : address) + ":" + port;
}

/** quoted writes a text as one word of a POSIX shell. */
function quoted(word) {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";
}

/** witness shows a flow that proves a claim, and how to ask for it again. */
function witness(at) {
  if (at < 0) return el("p", { class: "quiet-text" }, "No single flow shows it.");
  const w = (column) => witnesses[column][at];
  const local = endText(text(w("localIP")), w("localPort")), remote = endText(text(w("remoteIP")), w("remotePort"));
  const inbound = text(w("direction")) === "Inbound";
  const nic = refText(nics, "id", w("nic"));
  const asked = ["ipflow", "check", "-s", "SNAPSHOT", "--nic", nic, "--direction", text(w("direction")),
    "--protocol", text(w("protocol")), "--local", local, "--remote", remote].map(quoted).join(" ");
  const layers = [["admin rule", w("adminRule")], ["subnet rule", w("subnetRule")], ["NIC rule", w("nicRule")]]
    .filter(([, ref]) => ref >= 0 || text(-1 - ref));
  return el("div", { class: "witness" },
    el("p", null, access(text(w("access"))), " ", mono(text(w("protocol"))), " ",
      mono(inbound ? remote : local), " → ", mono(inbound ? local : remote), " at ", nicRef(w("nic")),
      text(w("reason")) && [" (", mono(text(w("reason"))), ")"]),
    layers.length > 0 && el("p", { class: "quiet-text" }, layers.map(([name, ref], i) => [i ? ", " : "", name + " ", ruleRef(ref, false)])),
    el("pre", { class: "command", tabindex: "0", "aria-label": "Command that asks again" }, asked));
}

/** bar shows a share of a hundred. */
function bar(percent) {
  const inner = el("span", { class: "share-fill" });
  inner.style.setProperty("inline-size", Math.max(0, Math.min(100, Number(percent) || 0)) + "%");
  return el("span", { class: "share", "aria-hidden": "true" }, inner);
}

/** section shows a part of a page under its heading. */
function section(heading, ...children) {
  return el("section", { class: "part" }, el("h2", null, heading), children);
}
