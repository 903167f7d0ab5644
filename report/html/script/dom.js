"use strict";
// Making elements. Names and messages become text nodes, never markup; the
// page's policy (Trusted Types) holds the script to that.

/** onPaper says that what is made now is for the printer: all rows, all open. */
let onPaper = false;

/** el makes an element. Properties named on… are listeners, others attributes;
 * null, undefined and false leave them out. Children are nodes or texts. */
function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** svg makes an element of a picture. */
function svg(tag, props, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(node, props, children) {
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** isolated sets a name of the input apart, so that right-to-left letters in it
 * do not turn what stands around it. */
function isolated(name, props) {
  return el("bdi", props, name);
}

/** say tells those who listen to the page what changed. */
function say(message) {
  document.getElementById("status").textContent = message;
}

/** later calls back once input has paused. */
function later(call, milliseconds = 120) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), milliseconds);
  };
}

/** searchBox makes a search field that / focuses. */
function searchBox(label, onsearch) {
  const input = el("input", {
    type: "search", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/",
  });
  input.addEventListener("input", later(() => onsearch(input.value)));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (input.value) {
      input.value = "";
      onsearch("");
    } else input.blur();
    event.preventDefault();
  });
  return el("span", { class: "search" }, input, el("kbd", { "aria-hidden": "true" }, "/"));
}

/** choice makes a drop-down list; options are [value, label]. */
function choice(label, options, onchoose) {
  const select = el("select", { "aria-label": label, onchange: () => onchoose(select.value) },
    options.map(([value, shown]) => el("option", { value }, shown)));
  return select;
}

/** toggle makes a button that is on or off. */
function toggle(label, on, ontoggle, props) {
  const button = el("button", {
    type: "button", class: "chip", "aria-pressed": String(on), ...props,
    onclick: () => {
      const now = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(now));
      ontoggle(now);
    },
  }, label);
  return button;
}

/** words splits a search into lower-case words that must all be found. */
function words(search) {
  return search.toLowerCase().split(/\s+/).filter(Boolean);
}

/** haystack remembers, for each row, the text that searches look through. */
function haystack(table, textOf) {
  const known = new Array(size(table));
  return (row, needles) => {
    if (!needles.length) return true;
    known[row] ??= textOf(row).toLowerCase();
    return needles.every((needle) => known[row].includes(needle));
  };
}
