"use strict";
// The data of the page: columns of numbers that name strings, lists and rows.
// See payload.go for what each column holds.

const data = JSON.parse(document.getElementById("data").textContent);
const { meta, nics, rules, groups, exposures, sensitive, boxes, witnesses, zones, cells, passages, findings, facts, controls, dismissals } = data;

/** text returns a string by its number. */
function text(at) {
  const entry = data.strings[at];
  return typeof entry === "string" ? entry : data.prefixes[entry[0]] + entry[1];
}

const unfolded = new Map();

/** list returns a list of numbers by its number. [n] behind a number stands for n
 * more, each one greater. */
function list(at) {
  const folded = data.lists[at];
  if (folded.every((item) => typeof item === "number")) return folded;
  if (!unfolded.has(at)) {
    const out = [];
    for (const item of folded) {
      if (typeof item === "number") out.push(item);
      else for (let n = item[0]; n > 0; n--) out.push(out[out.length - 1] + 1);
    }
    unfolded.set(at, out);
  }
  return unfolded.get(at);
}

/** texts returns a list of strings by its number. */
function texts(at) {
  return list(at).map(text);
}

/** size returns how many rows a table has. */
function size(table) {
  return Object.values(table)[0].length;
}

/** every returns the numbers of all rows of a table. */
function every(table) {
  return Array.from({ length: size(table) }, (_, i) => i);
}

/** refText returns what a reference names: column `column` of a row of `table`,
 * or the text that led to no row. */
function refText(table, column, ref) {
  return ref >= 0 ? text(table[column][ref]) : text(-1 - ref);
}

/** last returns the last part of an id. */
function last(id) {
  return id.slice(id.lastIndexOf("/") + 1);
}

/** once returns a function that calls make at the first call only. */
function once(make) {
  let value, made = false;
  return () => {
    if (!made) {
      value = make();
      made = true;
    }
    return value;
  };
}

/** indexed maps each number of the lists in a column to the rows that hold it. */
function indexed(table, column, rows = every(table)) {
  const out = new Map();
  for (const row of rows) {
    for (const item of list(table[column][row])) {
      if (!out.has(item)) out.set(item, []);
      out.get(item).push(row);
    }
  }
  return out;
}

/** grouped maps each value of a column to the rows that have it. */
function rowsBy(table, column) {
  const out = new Map();
  for (const row of every(table)) {
    const value = table[column][row];
    if (!out.has(value)) out.set(value, []);
    out.get(value).push(row);
  }
  return out;
}

const exposuresOfGroup = once(() => rowsBy(exposures, "group"));
const rulesOfNSG = once(() => {
  const out = new Map();
  for (const row of every(rules)) {
    const id = text(rules.nsg[row]).toLowerCase();
    if (!out.has(id)) out.set(id, []);
    out.get(id).push(row);
  }
  return out;
});
const findingsOfNIC = once(() => indexed(findings, "nics"));
const findingsOfRule = once(() => {
  const out = indexed(findings, "by");
  for (const row of every(findings)) {
    const rule = findings.rule[row];
    if (!out.has(rule)) out.set(rule, []);
    if (!out.get(rule).includes(row)) out.get(rule).push(row);
  }
  for (const rows of out.values()) rows.sort((a, b) => a - b);
  return out;
});
const zonesOfNIC = once(() => indexed(zones, "nics"));

/** shortNames returns for each name its last part, or as much more of it as
 * tells it apart from the others. */
function shortNames(names) {
  const parts = names.map((name) => name.split("/"));
  const shown = names.map(() => 1);
  const label = (i) => parts[i].slice(-shown[i]).join("/");
  for (let round = 0; round < 12; round++) {
    const seen = new Map();
    names.forEach((_, i) => seen.set(label(i), (seen.get(label(i)) || 0) + 1));
    let again = false;
    names.forEach((_, i) => {
      if (seen.get(label(i)) > 1 && shown[i] < parts[i].length) {
        shown[i]++;
        again = true;
      }
    });
    if (!again) break;
  }
  return names.map((_, i) => {
    // Of a long id, the part that differs and the name are enough.
    const kept = parts[i].slice(-shown[i]);
    return kept.length > 3 ? kept[0] + "/…/" + kept[kept.length - 1] : kept.join("/");
  });
}

const zoneLabels = once(() => shortNames(every(zones).map((i) => text(zones.name[i]))));

/** zoneLabel names a zone in a few letters. */
function zoneLabel(ref) {
  return ref >= 0 ? zoneLabels()[ref] : last(text(-1 - ref)) || "–";
}

/** number writes a whole number, given as a number or its decimal digits, with
 * thousands apart. */
function number(n) {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** round writes a number of decimal digits in a few: "4.3 billion". */
function round(digits) {
  if (!/^\d+$/.test(digits) || digits.length < 7) return number(digits);
  const names = ["million", "billion", "trillion"];
  const step = Math.floor((digits.length - 1) / 3);
  if (step - 2 < names.length) {
    return (Number(digits.slice(0, 6)) * 10 ** (digits.length - 6 - 3 * step)).toPrecision(3) + " " + names[step - 2];
  }
  return (Number(digits.slice(0, 4)) / 1000).toPrecision(3) + " × 10" + superscript(digits.length - 1);
}

function superscript(n) {
  return String(n).replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);
}

/** plural writes a count with its noun. */
function plural(n, noun, nouns = noun + "s") {
  return number(n) + " " + (n === 1 ? noun : nouns);
}
