"use strict";
// A table of any number of rows: a page of them is in the document at a time.

const PAGE = innerWidth < 820 ? 20 : 50; // rows of a card each on a narrow screen
const PAPER = 2000; // rows of one table on paper

/** listing makes a table with sorting and pages.
 *
 * options: caption; columns [{label, show(row), sort(row)?, kind?}], of kind word
 * or number where it must not break, short or wide by how long it mostly is; empty, the
 * text for no rows; open(row), what a click on a row does beside the buttons in
 * it; noun and nouns for the count.
 * It returns {node, show(rows)}. */
function listing(options) {
  const { columns, caption, empty, open, noun = "row", nouns = noun + "s" } = options;
  const whole = onPaper;
  let rows = [], page = 0, sorted = -1, down = false;
  const body = el("tbody", { role: "rowgroup" });
  const heads = columns.map((column, i) => el("th", { scope: "col", role: "columnheader", class: column.kind || "free" },
    column.sort && !whole
      ? el("button", { type: "button", class: "sort", onclick: () => sortBy(i) }, column.label)
      : column.label));
  const table = el("table", { class: "rows" + (options.kind ? " " + options.kind : ""), role: "table" },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)), body);
  const pager = el("nav", { class: "pager", "aria-label": "Pages of " + caption });
  const count = el("p", { class: "count", "aria-live": whole ? null : "polite" });
  const node = el("div", { class: "listing" }, count, table, pager);

  function sortBy(i) {
    down = sorted === i ? !down : Boolean(columns[i].down);
    sorted = i;
    heads.forEach((head, k) => k === i ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
    page = 0;
    order();
    draw();
  }

  function order() {
    if (sorted < 0) return;
    const keys = new Map(rows.map((row) => [row, columns[sorted].sort(row)]));
    const compare = (a, b) => typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
    rows = rows.slice().sort((a, b) => (down ? -1 : 1) * compare(keys.get(a), keys.get(b)) || a - b);
  }

  function draw() {
    const length = whole ? PAPER : PAGE;
    const first = page * length, shown = rows.slice(first, first + length);
    body.replaceChildren(...shown.map(line));
    table.hidden = rows.length === 0;
    const total = plural(rows.length, noun, nouns);
    if (rows.length === 0) count.textContent = empty;
    else if (whole && rows.length > PAPER) count.textContent = total + "; the first " + number(PAPER) + " are printed.";
    else if (rows.length > length) count.textContent = number(first + 1) + "–" + number(first + shown.length) + " of " + total;
    else count.textContent = total;
    drawPager();
  }

  function line(row) {
    const tr = el("tr", { role: "row", class: open && "open" }, columns.map((column, i) =>
      el(i ? "td" : "th", { role: i ? "cell" : "rowheader", scope: i ? null : "row", class: column.kind || "free", "data-label": column.label }, el("div", null, column.show(row)))));
    if (open && !whole) {
      // For the mouse only: the first cell holds a button or link for everybody.
      tr.addEventListener("click", (event) => {
        if (!event.target.closest("a, button, summary") && !String(getSelection())) open(row);
      });
    }
    return tr;
  }

  function drawPager() {
    const pages = Math.ceil(rows.length / PAGE);
    pager.hidden = whole || pages < 2;
    if (pager.hidden) return;
    const go = (to, label, name) => el("button", {
      type: "button", "aria-label": name, disabled: to < 0 || to >= pages || to === page,
      onclick: () => {
        page = to;
        draw();
        node.scrollIntoView({ block: "start" });
        pager.querySelector("button:not([disabled])")?.focus({ preventScroll: true });
      },
    }, label);
    pager.replaceChildren(go(page ? 0 : -1, "« First", "First page"), go(page - 1, "‹ Previous", "Previous page"),
      el("span", null, "Page " + number(page + 1) + " of " + number(pages)),
      go(page + 1, "Next ›", "Next page"), go(page < pages - 1 ? pages - 1 : -1, "Last »", "Last page"));
  }

  return {
    node,
    show(next) {
      rows = next;
      page = 0;
      order();
      draw();
    },
  };
}
