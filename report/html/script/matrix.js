"use strict";
// The zone matrix: a row sends, a column receives, a cell opens the services and
// the rules that let them through.

const WINDOW = 40; // rows and columns in the document at a time
const ROOMY = 12;  // with no more zones than this, cells hold words

const cellAt = once(() => {
  const out = new Map();
  for (const row of every(cells)) out.set(cells.from[row] * size(zones) + cells.to[row], row);
  return out;
});

/** matrixView shows the zones that fit a search, a window of them at a time. */
function matrixView() {
  if (!size(zones)) return [el("p", null, "The report has no zones.")];
  const at = { row: 0, column: 0, search: "" };
  let shown = every(zones);
  const frame = el("div", { class: "frame" });
  const steps = el("div", { class: "steps" });
  const count = el("p", { class: "count", "aria-live": "polite" });
  const map = minimap((from, to) => { at.row = from; at.column = to; draw(); });

  function draw() {
    const most = Math.max(0, shown.length - 1);
    at.row = Math.min(at.row, most - most % WINDOW);
    at.column = Math.min(at.column, most - most % WINDOW);
    count.textContent = shown.length === size(zones) ? plural(shown.length, "zone") : plural(shown.length, "zone") + " of " + number(size(zones));
    const rows = shown.slice(at.row, at.row + WINDOW), columns = shown.slice(at.column, at.column + WINDOW);
    frame.replaceChildren(grid(rows, columns, move));
    steps.hidden = shown.length <= WINDOW;
    steps.replaceChildren(stepper("From zones", "row"), stepper("To zones", "column"));
    requestAnimationFrame(() => map.draw(shown, at)); // once it is in the page, with its colours
  }
  function stepper(label, key) {
    const end = Math.min(shown.length, at[key] + WINDOW);
    return el("span", { class: "stepper" },
      el("button", { type: "button", disabled: at[key] === 0, "aria-label": label + ": previous", onclick: () => move(key, -1) }, "‹"),
      el("span", null, label + " " + number(at[key] + 1) + "–" + number(end) + " of " + number(shown.length)),
      el("button", { type: "button", disabled: end === shown.length, "aria-label": label + ": next", onclick: () => move(key, 1) }, "›"));
  }
  // move turns to the next window; it reports whether there was one.
  function move(key, by) {
    const to = at[key] + by * WINDOW;
    if (to < 0 || to >= shown.length) return false;
    at[key] = to;
    draw();
    return true;
  }
  draw();
  document.addEventListener("themechange", () => map.draw(shown, at));
  return [
    el("p", { class: "lead" }, "What each zone may send to each other by the rules of both ends. A row sends, a column receives. Open a cell for its services and deciding rules."),
    el("div", { class: "filters", role: "group", "aria-label": "Filter zones" },
      searchBox("Search zones", (value) => {
        const needles = words(value);
        shown = every(zones).filter((zone) => needles.every((n) => text(zones.name[zone]).toLowerCase().includes(n)));
        at.row = at.column = 0;
        draw();
      })),
    el("p", { class: "legend" },
      [["every", "every pair of endpoints"], ["some", "some pairs"], ["unknown", "not decidable"], ["none", "nothing passes"]].map(([kind, label]) =>
        el("span", null, el("span", { class: "cell cell-" + kind, "aria-hidden": "true" }, SIGNS[kind]), " ", label))),
    count, steps, el("div", { class: "matrix-area" }, frame, map.node)];
}

const SIGNS = { every: "✓", some: "◐", unknown: "?", none: "·" };

/** cellKind says what happens in a cell: the most that is allowed. */
function cellKind(row) {
  if (row === undefined) return "none";
  const all = list(cells.services[row]);
  const allowed = all.filter((s) => text(passages.access[s]) === "Allow");
  if (allowed.some((s) => text(passages.between[s]) === "every")) return "every";
  if (allowed.length) return "some";
  return all.length ? "unknown" : "none";
}

/** cellText tells a cell in a few words. */
function cellText(row) {
  if (row === undefined) return "nothing";
  const all = passagesTexts(list(cells.services[row]));
  return all.length > 1 ? all[0] + " +" + (all.length - 1) : all[0] || "nothing";
}

/** passagesTexts tells services of a cell in words. */
function passagesTexts(rows) {
  return servicesText(rows.map((s) => [text(passages.protocol[s]), texts(passages.destinationPorts[s]), texts(passages.sourcePorts[s])]));
}

/** alike sorts services of a cell by what else is said of them. */
function alike(rows) {
  const out = new Map();
  for (const s of rows) {
    const key = passages.access[s] + "," + passages.between[s];
    if (!out.has(key)) out.set(key, []);
    out.get(key).push(s);
  }
  return [...out.values()];
}

/** between says how many pairs of endpoints may use a service. */
function between(s, short) {
  const every = text(passages.between[s]) === "every";
  if (short) return every ? "" : " (some pairs)";
  return every ? "every pair of endpoints" : "some pairs of endpoints";
}

/** grid makes the table of cells. One cell is in the tab order; arrow keys go on
 * from there. */
function grid(rows, columns, move) {
  const roomy = columns.length <= ROOMY;
  const table = el("table", { class: "matrix" + (roomy ? " roomy" : ""), role: "grid", "aria-label": "Zone matrix" });
  const heads = columns.map((zone) => el("th", { scope: "col", role: "columnheader", title: text(zones.name[zone]) }, el("span", null, isolated(zoneLabel(zone)))));
  table.append(el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, el("td", { class: "corner", role: "columnheader" }, "from ↓ to →"), heads)));
  const body = el("tbody", { role: "rowgroup" });
  const buttons = rows.map((from) => {
    const line = columns.map((to) => cellButton(from, to, roomy));
    body.append(el("tr", { role: "row" }, el("th", { scope: "row", role: "rowheader", title: text(zones.name[from]) }, isolated(zoneLabel(from))),
      line.map((button) => el("td", { role: "gridcell" }, button))));
    return line;
  });
  table.append(body);
  if (rows.length && columns.length && !onPaper) walk(table, buttons, move);
  return table;
}

function cellButton(from, to, roomy) {
  const row = cellAt().get(from * size(zones) + to);
  const kind = cellKind(row), words = cellText(row);
  return el("button", {
    type: "button", class: "cell cell-" + kind, tabindex: "-1", title: zoneLabel(from) + " → " + zoneLabel(to) + ": " + words,
    "aria-label": zoneLabel(from) + " to " + zoneLabel(to) + ": " + (kind === "unknown" ? "not decidable, " : "") + words,
    onclick: () => openCell(from, to),
  }, el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]), roomy && kind !== "none" && [" ", el("span", { class: "words" }, words)]);
}

/** walk moves the focus between cells by arrow keys. */
function walk(table, buttons, move) {
  let y = 0, x = 0;
  buttons[0][0].setAttribute("tabindex", "0");
  const go = (toY, toX) => {
    buttons[y][x].setAttribute("tabindex", "-1");
    y = Math.max(0, Math.min(buttons.length - 1, toY));
    x = Math.max(0, Math.min(buttons[0].length - 1, toX));
    buttons[y][x].setAttribute("tabindex", "0");
    buttons[y][x].focus();
  };
  table.addEventListener("focusin", (event) => {
    buttons.forEach((line, i) => {
      const j = line.indexOf(event.target);
      if (j >= 0 && (i !== y || j !== x)) go(i, j);
    });
  });
  table.addEventListener("keydown", (event) => {
    const far = event.ctrlKey || event.metaKey;
    const to = {
      ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1],
      Home: [far ? 0 : y, 0], End: [far ? buttons.length - 1 : y, buttons[0].length - 1],
    }[event.key];
    if (to) {
      go(...to);
      event.preventDefault();
    } else if (event.key === "PageDown" || event.key === "PageUp") {
      const key = event.shiftKey ? "column" : "row";
      // The new window's first cell takes the focus.
      if (move(key, event.key === "PageDown" ? 1 : -1)) document.querySelector(".frame .matrix button[tabindex='0']")?.focus();
      event.preventDefault();
    }
  });
}

/** openCell shows what a zone may send to another, and why. */
function openCell(from, to) {
  const row = cellAt().get(from * size(zones) + to);
  openDialog(() => [isolated(zoneLabel(from)), " → ", isolated(zoneLabel(to))], () => row === undefined
    ? [el("p", { class: "lead" }, access("Deny"), " Nothing passes: no flow is let through by the rules of both ends."), zonePairs(from, to)]
    : [passagesTable(list(cells.services[row])),
      section("Deciding rules", cellRules(row)),
      section("Example flow", witness(cells.witness[row])), zonePairs(from, to)]);
}

function passagesTable(rows) {
  const table = listing({
    caption: "Services", noun: "service", empty: "None.",
    columns: [
      { label: "Service", show: ([words]) => isolated(words) },
      { label: "Access", kind: "word", show: ([, s]) => access(text(passages.access[s])) },
      { label: "Between", kind: "word", show: ([, s]) => between(s) },
    ],
  });
  table.show(alike(rows).flatMap((same) => passagesTexts(same).map((words) => [words, same[0]])));
  return table.node;
}

/** cellRules lists the rules, of both ends, that let the services of a cell through. */
function cellRules(row) {
  const refs = list(cells.rules[row]);
  if (!refs.length) return el("p", { class: "quiet-text" }, "No rule: where no security group stands, everything passes.");
  const table = listing({
    caption: "Deciding rules", noun: "rule", empty: "None.",
    columns: [
      { label: "Rule", show: (ref) => ruleRef(ref) },
      { label: "Direction", kind: "word", show: (ref) => ref >= 0 ? text(rules.direction[ref]) : "" },
      { label: "Access", kind: "word", show: (ref) => ref >= 0 ? access(text(rules.access[ref])) : "" },
      { label: "Written in", show: (ref) => ref >= 0 ? mono(text(rules.file[ref]) + ":" + rules.line[ref]) : "" },
    ],
  });
  table.show(refs);
  return table.node;
}

function zonePairs(from, to) {
  const entry = (label, zone) => [label, [mono(text(zones.name[zone])), list(zones.nics[zone]).length > 0 && [el("br"), some(list(zones.nics[zone]), nicRef, 6)]]];
  return pairs([entry("From", from), entry("To", to)]);
}

/** cellsTable lists all cells, for paper. */
function cellsTable() {
  const table = listing({
    caption: "Services between zones", noun: "pair of zones", nouns: "pairs of zones", empty: "Nothing passes between zones.",
    columns: [
      { label: "From", show: (row) => isolated(zoneLabel(cells.from[row])) },
      { label: "To", show: (row) => isolated(zoneLabel(cells.to[row])) },
      { label: "Services", show: (row) => el("ul", { class: "plain" }, alike(list(cells.services[row])).map((same) =>
        el("li", null, access(text(passages.access[same[0]])), " ", isolated(passagesTexts(same).join("; ")), between(same[0], true)))) },
      { label: "Deciding rules", show: (row) => some(list(cells.rules[row]), ruleRef) },
    ],
  });
  table.show(every(cells));
  return table.node;
}

/** minimap draws all cells as points; a click moves the window there. */
function minimap(go) {
  const canvas = el("canvas", { class: "minimap", width: 1, height: 1, "aria-hidden": "true" });
  let shown = [], scale = 1;
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const window = (part, whole) => Math.floor(Math.min(shown.length - 1, part / whole * shown.length) / WINDOW) * WINDOW;
    go(window(event.clientY - box.top, box.height), window(event.clientX - box.left, box.width));
  });
  return {
    node: canvas,
    draw(next, at) {
      shown = next;
      canvas.hidden = shown.length <= WINDOW;
      if (canvas.hidden) return;
      scale = Math.max(1, Math.floor(240 / shown.length));
      canvas.width = canvas.height = shown.length * scale;
      // The canvas wears the colours of the theme.
      const context = canvas.getContext("2d"), style = getComputedStyle(canvas);
      const place = new Map(shown.map((zone, i) => [zone, i]));
      const ink = { every: style.color, some: style.color, unknown: style.outlineColor };
      for (const row of every(cells)) {
        const y = place.get(cells.from[row]), x = place.get(cells.to[row]), kind = cellKind(row);
        if (y === undefined || x === undefined || kind === "none") continue;
        context.fillStyle = ink[kind];
        context.globalAlpha = kind === "some" ? 0.45 : 1;
        context.fillRect(x * scale, y * scale, scale, scale);
      }
      context.globalAlpha = 1;
      context.strokeStyle = style.caretColor;
      context.lineWidth = Math.max(1, shown.length * scale / 160);
      context.strokeRect(at.column * scale, at.row * scale, Math.min(WINDOW, shown.length - at.column) * scale, Math.min(WINDOW, shown.length - at.row) * scale);
    },
  };
}
