"use strict";
// What may be sent to a NIC, or by it: a picture of the way from zones through
// the layers of rules, and the same as a table.

const LAYERS = { SecurityAdmin: "Admin rules", Subnet: "Subnet NSG", NetworkInterface: "NIC NSG" };
const DRAWN = 16; // lanes of a picture; the table has all

/** trafficPart is the part of a NIC's page about one direction. */
function trafficPart(row, direction) {
  const own = list(nics.groups[row]).filter((g) => g >= 0 && text(groups.direction[g]) === direction);
  if (!own.length && !every(groups).some((g) => text(groups.direction[g]) === direction)) return null; // the report does not tell
  if (!own.length) return section(direction, el("p", { class: "quiet-text" }, "The NIC has no address to judge."));
  const lanes = own.flatMap((g) => lanesOf(g, direction, own.length > 1 ? addressesIn(g, row) : ""));
  const inbound = direction === "Inbound";
  const table = listing({
    caption: direction + " flows", noun: "row", empty: "Nothing passes.",
    columns: [
      { label: inbound ? "From" : "To", show: (i) => [zonesNode(lanes[i].zones), lanes[i].at && el("span", { class: "under" }, lanes[i].at)] },
      { label: "Access", kind: "word", show: (i) => access(lanes[i].access) },
      { label: "Services", show: (i) => some(lanes[i].services, (s) => isolated(s), 6, "; ") },
      { label: "Remote addresses", kind: "number", show: (i) => lanes[i].exposure < 0 ? "" : round(text(exposures.addresses[lanes[i].exposure])) },
      { label: "Decided by", show: (i) => lanes[i].exposure < 0 ? el("span", { class: "quiet-text" }, "see the rules of its groups") :
        [ruleRef(lanes[i].rule, true), lanes[i].layer && el("span", { class: "under" }, LAYERS[lanes[i].layer])] },
      { label: "Why", show: (i) => lanes[i].reason ? mono(lanes[i].reason) : "" },
      { label: "Exact flows", show: (i) => lanes[i].exposure < 0 ? "" : exactFlows(lanes[i], inbound) },
    ],
  });
  table.show(lanes.map((_, i) => i));
  return section(direction,
    el("p", { class: "quiet-text" }, inbound ? "What the Internet and the zones may send to it by its own rules. What is not shown is denied."
      : "What it may send to the Internet and the zones by its own rules. What is not shown is denied."),
    pictureNode(row, direction, lanes), table.node);
}

/** addressesIn tells which addresses of a NIC are in a group. */
function addressesIn(group, row) {
  const own = list(groups.nics[group]).flatMap((nic, i) => nic === row ? texts(list(groups.addresses[group])[i]) : []);
  return "at " + own.slice(0, 2).join(", ") + (own.length > 2 ? " and " + (own.length - 2) + " more" : "");
}

/** lanesOf returns the ways of flows of a group: zones, access and deciding rule. */
function lanesOf(group, direction, at) {
  const out = [];
  for (const exposure of exposuresOfGroup().get(group) || []) {
    const byRule = new Map();
    for (const box of list(exposures.boxes[exposure])) {
      const key = [boxes.rule[box], boxes.layer[box], boxes.reason[box]].join();
      if (!byRule.has(key)) byRule.set(key, []);
      byRule.get(key).push(box);
    }
    for (const own of byRule.values()) {
      out.push({
        zones: list(exposures.zones[exposure]), access: text(exposures.access[exposure]), at, exposure, boxes: own,
        rule: boxes.rule[own[0]], layer: text(boxes.layer[own[0]]), reason: text(boxes.reason[own[0]]),
        services: boxServices(own, direction),
      });
    }
  }
  const reached = out.some((lane) => lane.zones.some(isInternet));
  const rank = (lane) => [lane.zones.some(isInternet) ? 0 : 1, lane.access === "Allow" ? 0 : 1];
  out.sort((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1]);
  if (!reached) {
    out.unshift({ zones: [meta.internetZone], access: "Deny", at, exposure: -1, boxes: [], rule: -1, layer: "", reason: "", services: ["nothing passes"] });
  }
  return out;
}

/** boxServices tells what boxes let through, by destination. */
function boxServices(all, direction) {
  const [to, from] = direction === "Inbound" ? ["localPorts", "remotePorts"] : ["remotePorts", "localPorts"];
  return servicesText(all.map((box) => [text(boxes.protocol[box]), texts(boxes[to][box]), texts(boxes[from][box])]));
}

function zonesNode(refs, shown = 4) {
  return some(refs, (ref) => isolated(zoneLabel(ref), { title: refText(zones, "name", ref) }), shown);
}

function zonesText(refs) {
  return refs.length > 2 ? zoneLabel(refs[0]) + " and " + number(refs.length - 1) + " more" : refs.map(zoneLabel).join(", ");
}

/** exactFlows opens to the boxes of a lane. */
function exactFlows(lane, inbound) {
  const label = plural(lane.boxes.length, "box", "boxes");
  if (onPaper) return label;
  return el("button", { type: "button", class: "link", onclick: () => openDialog(() => ["Exact flows"], () => boxesTable(lane, inbound)) }, label);
}

function boxesTable(lane, inbound) {
  const table = listing({
    caption: "Exact flows", noun: "box", nouns: "boxes", empty: "None.",
    columns: [
      { label: inbound ? "From" : "To", show: (box) => some(texts(boxes.remote[box]), mono, 12) },
      { label: "Service", show: (box) => isolated(boxServices([box], inbound ? "Inbound" : "Outbound")[0]) },
      { label: "Decided by", show: (box) => [ruleRef(boxes.rule[box]), text(boxes.layer[box]) && el("span", { class: "under" }, LAYERS[text(boxes.layer[box])])] },
    ],
  });
  table.show(lane.boxes);
  return [el("p", { class: "lead" }, access(lane.access), " ", inbound ? "from " : "to ", zonesNode(lane.zones, 12)), table.node,
    section("Example flow", witness(exposures.witness[lane.exposure]))];
}

/** pictureNode draws the lanes as wide as there is room, and again when that
 * changes. */
function pictureNode(row, direction, lanes) {
  const drawn = lanes.slice(0, DRAWN);
  const node = el("figure", { class: "picture" });
  const caption = el("figcaption", { class: "quiet-text" }, lanes.length > drawn.length
    ? plural(lanes.length - drawn.length, "more row") + " in the table below." : "");
  let narrow;
  const draw = () => {
    const next = !onPaper && innerWidth < 760;
    if (next === narrow) return;
    narrow = next;
    node.replaceChildren(narrow ? tall(row, direction, drawn) : wide(row, direction, drawn), caption);
  };
  draw();
  if (!onPaper) new ResizeObserver(draw).observe(node);
  return node;
}

/** layersOf returns the layers on the way, in the order in which they decide. */
function layersOf(row, direction, lanes) {
  const out = [
    { key: "Subnet", name: text(nics.subnetNsg[row]) },
    { key: "NetworkInterface", name: text(nics.nsg[row]) },
  ];
  if (direction === "Outbound") out.reverse();
  if (lanes.some((lane) => lane.layer === "SecurityAdmin")) out.unshift({ key: "SecurityAdmin", name: "" });
  return out;
}

const measure = once(() => document.createElement("canvas").getContext("2d"));

/** fitted cuts a text so that it is no wider than width. */
function fitted(value, width, font = "13px") {
  const context = measure();
  context.font = font + " " + (getComputedStyle(document.body).fontFamily || "sans-serif");
  if (context.measureText(value).width <= width) return value;
  let low = 0, high = value.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(value.slice(0, middle) + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return value.slice(0, low) + "…";
}

/** label is a text of a picture, cut to a width, whole in its title. */
function label(value, x, y, width, props) {
  const shown = fitted(value, width, props?.class?.includes("small") ? "11.5px" : "13px");
  return svg("text", { x, y, ...props }, shown, shown !== value && svg("title", null, value));
}

/** stripes groups lanes that follow each other with the same zones. */
function stripes(lanes) {
  const out = [];
  lanes.forEach((lane, i) => {
    const before = out[out.length - 1];
    if (before && before.key === lane.zones.join() + lane.at) before.count++;
    else out.push({ key: lane.zones.join() + lane.at, lane, first: i, count: 1 });
  });
  return out;
}

function pictureOf(width, height, title, children) {
  return svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": title, class: "way" }, children);
}

function nicBox(row, x, y, width, height) {
  const addresses = texts(nics.addresses[row]);
  return svg("g", { class: "box box-nic" }, svg("rect", { x, y, width, height, rx: 6 }),
    label(text(nics.name[row]), x + 12, y + 24, width - 24, { class: "strong" }),
    addresses.slice(0, 3).map((address, i) => y + 44 + i * 16 < y + height && label(address, x + 12, y + 42 + i * 16, width - 24, { class: "small" })));
}

/** wide draws from left to right: who sends, the layers, who receives. */
function wide(row, direction, lanes) {
  const W = 1120, LANE = 48, TOP = 52, inbound = direction === "Inbound";
  const height = TOP + Math.max(lanes.length * LANE, 76) + 8;
  const layers = layersOf(row, direction, lanes);
  const columnWidth = Math.min(190, 400 / layers.length + 20);
  // Zones take the outer end, services stand beside them.
  const zoneX = inbound ? 1 : W - 211, nicX = inbound ? W - 201 : 1;
  const layerX = inbound ? W - 220 - layers.length * (columnWidth + 10) : 220;
  const serviceX = inbound ? 226 : layerX + layers.length * (columnWidth + 10) + 8;
  const serviceWidth = inbound ? layerX - serviceX - 14 : zoneX - serviceX - 26;
  const at = (i) => layerX + i * (columnWidth + 10);
  const parts = [];
  layers.forEach((layer, i) => parts.push(svg("g", { class: "layer" + (layer.name || layer.key === "SecurityAdmin" ? "" : " absent") },
    svg("rect", { x: at(i), y: 4, width: columnWidth, height: height - 8, rx: 6 }),
    label(LAYERS[layer.key], at(i) + 10, 22, columnWidth - 20, { class: "small" }),
    label(layer.name ? last(layer.name) : layer.key === "SecurityAdmin" ? "network manager" : "none", at(i) + 10, 39, columnWidth - 20, { class: "strong" }))));
  lanes.forEach((lane, i) => {
    const y = TOP + i * LANE + LANE / 2 + 6;
    const kind = ACCESS[lane.access][0];
    const stop = lane.access === "Deny" ? layers.findIndex((layer) => layer.name) : -1;
    const from = inbound ? 210 : 200, to = inbound ? W - 200 : W - 210;
    const end = stop >= 0 ? at(stop) + 14 : to;
    parts.push(svg("g", { class: "lane lane-" + kind },
      svg("line", { x1: from, y1: y, x2: end - (stop >= 0 ? 0 : 9), y2: y }),
      stop >= 0 ? svg("path", { class: "stop", d: `M${end - 6} ${y - 6}l12 12m0 -12l-12 12` }) : svg("path", { class: "head", d: `M${to - 1} ${y}l-10 -5v10z` }),
      label((lane.access === "Unknown" ? "? " : "") + lane.services.join("; "), serviceX, y - 7, serviceWidth, { class: "service" }),
      chip(lane, layers, at, columnWidth, y)));
  });
  for (const stripe of stripes(lanes)) {
    const y = TOP + stripe.first * LANE + 6;
    parts.push(zoneBox(stripe.lane, zoneX, y, 210, stripe.count * LANE - 8));
  }
  parts.push(nicBox(row, nicX, TOP + 2, 200, height - TOP - 10));
  return pictureOf(W, height, pictureTitle(row, direction, lanes), parts);
}

function pictureTitle(row, direction, lanes) {
  return direction + " flows of " + text(nics.name[row]) + ": " + plural(lanes.length, "way") + ", told in the table that follows";
}

function zoneBox(lane, x, y, width, height) {
  const outside = lane.zones.some(isInternet);
  return svg("g", { class: "box " + (outside ? "box-internet" : "box-zone") }, svg("rect", { x, y, width, height, rx: 6 }),
    label(zonesText(lane.zones), x + 12, y + height / 2 + (lane.at ? -2 : 5), width - 24, { class: "strong" }),
    lane.at && label(lane.at, x + 12, y + height / 2 + 14, width - 24, { class: "small" }));
}

/** chip names the deciding rule in its layer. */
function chip(lane, layers, at, width, y) {
  const i = layers.findIndex((layer) => layer.key === lane.layer);
  if (i < 0 || lane.exposure < 0) return null;
  const name = refText(rules, "name", lane.rule);
  return svg("g", { class: "chip chip-" + ACCESS[lane.access][0], onclick: () => lane.rule >= 0 && openRule(lane.rule) },
    svg("rect", { x: at(i) + 8, y: y - 17, width: width - 16, height: 34, rx: 5 }),
    label(ACCESS[lane.access][1] + " " + last(name), at(i) + 16, y - 2, width - 32),
    lane.rule >= 0 && label("priority " + rules.priority[lane.rule], at(i) + 16, y + 12, width - 32, { class: "small" }));
}

/** tall draws from top to bottom, for a narrow screen. */
function tall(row, direction, lanes) {
  const W = 340, LANE = 46, inbound = direction === "Inbound";
  const layers = layersOf(row, direction, lanes);
  const parts = [];
  const nic = (y) => parts.push(nicBox(row, 1, y, W - 2, 64));
  let y = 1;
  if (!inbound) { nic(1); y = 77; }
  for (const stripe of stripes(lanes)) {
    const own = lanes.slice(stripe.first, stripe.first + stripe.count);
    if (inbound) { parts.push(zoneBox(stripe.lane, 1, y, W - 2, stripe.lane.at ? 44 : 34)); y += stripe.lane.at ? 44 : 34; }
    for (const lane of own) {
      const kind = ACCESS[lane.access][0], layer = LAYERS[lane.layer];
      const denied = lane.exposure < 0;
      parts.push(svg("g", { class: "lane lane-" + kind },
        svg("line", { x1: 16, y1: y, x2: 16, y2: y + LANE - (denied ? 20 : 9) }),
        denied ? svg("path", { class: "stop", d: `M10 ${y + LANE - 26}l12 12m0 -12l-12 12` }) : svg("path", { class: "head", d: `M16 ${y + LANE - 1}l-5 -10h10z` }),
        label(ACCESS[lane.access][1] + " " + lane.services.join("; "), 34, y + 20, W - 40, { class: "service" }),
        label(denied ? layers.filter((l) => l.name).map((l) => LAYERS[l.key] + " " + last(l.name)).join(", ")
          : [layer, refText(rules, "name", lane.rule) && last(refText(rules, "name", lane.rule))].filter(Boolean).join(": ") || lane.reason, 34, y + 36, W - 40, { class: "small" })));
      y += LANE;
    }
    if (!inbound) { parts.push(zoneBox(stripe.lane, 1, y, W - 2, stripe.lane.at ? 44 : 34)); y += stripe.lane.at ? 44 : 34; }
    y += 10;
  }
  if (inbound) { nic(y); y += 64; }
  return pictureOf(W, y + 4, pictureTitle(row, direction, lanes), parts);
}
