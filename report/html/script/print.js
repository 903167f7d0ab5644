"use strict";
// On paper: the page of a NIC if one is open, else the whole report, with all
// rows and everything open.

const paper = document.getElementById("paper");
const PICTURED = 60; // with no more NICs than this, each has its page on paper

function fillPaper() {
  onPaper = true;
  try {
    const nic = /^#nic-(\d+)$/.exec(location.hash);
    paper.replaceChildren(...(nic && nic[1] < size(nics) ? [sheet(text(nics.name[nic[1]]), nicView(Number(nic[1])))] : wholeReport()));
  } finally {
    onPaper = false;
  }
  paper.hidden = false;
}

function sheet(heading, ...children) {
  return el("section", { class: "sheet" }, el("h1", null, isolated(heading)), children);
}

function wholeReport() {
  const open = every(findings).filter((row) => !findings.dismissed[row]);
  const gone = every(findings).filter((row) => findings.dismissed[row]);
  const cards = document.querySelector("#overview .cards").cloneNode(true);
  const notes = document.querySelector("#overview .notes");
  const few = size(nics) <= PICTURED;
  const all = nicsTable(), written = rulesTable();
  all.show(every(nics));
  written.show(every(rules).filter((row) => text(rules.kind[row]) !== "default"));
  const printed = open.slice(0, PAPER);
  return [
    sheet("Network security audit", document.querySelector(".top .facts").cloneNode(true),
      notes && notes.cloneNode(true), cards, reachedTable()),
    sheet("Findings", open.length === 0 && "No open finding.", printed.map(findingNode),
      open.length > printed.length && el("p", null, number(open.length - printed.length) + " more are not printed."),
      gone.length > 0 && el("h2", null, "Dismissed"), gone.slice(0, PAPER).map(findingNode)),
    sheet("Controls", controlsView()),
    sheet("Unknown", unknownView()),
    sheet("Zones", size(zones) > 0 && size(zones) <= ROOMY && grid(every(zones), every(zones)), cellsTable()),
    sheet("NICs", all.node, !few && el("p", null, "The page of a NIC is printed while it is open.")),
    few && every(nics).map((row) => sheet(text(nics.name[row]), nicView(row, true))),
    sheet("Rules", written.node),
    sheet("Evidence", evidenceView()),
  ].flat().filter(Boolean);
}

addEventListener("beforeprint", fillPaper);
addEventListener("afterprint", () => {
  paper.hidden = true;
  paper.replaceChildren();
});
