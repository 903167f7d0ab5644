"use strict";
// One dialog shows details over the page. What is opened from inside it can be
// gone back from; Escape closes it.

const dialog = document.getElementById("dialog");
const trail = [];

/** openDialog shows a heading and what show returns. */
function openDialog(heading, show) {
  trail.push({ heading, show });
  drawDialog();
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  dialog.querySelector("#dialog-title").focus();
}

function drawDialog() {
  const { heading, show } = trail[trail.length - 1];
  dialog.replaceChildren(
    el("header", { class: "dialog-top" },
      trail.length > 1 && el("button", { type: "button", class: "quiet", onclick: backDialog }, "‹ Back"),
      el("h2", { id: "dialog-title", tabindex: "-1" }, heading()),
      el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close")),
    el("div", { class: "dialog-body" }, show()));
}

function backDialog() {
  trail.pop();
  drawDialog();
  dialog.querySelector("#dialog-title").focus();
}

dialog.addEventListener("close", () => {
  trail.length = 0;
  dialog.replaceChildren();
});
dialog.addEventListener("click", (event) => {
  // A click beside the dialog lands on the dialog itself, one inside on a part.
  const box = dialog.getBoundingClientRect();
  const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
  if (event.target === dialog && outside && event.clientX + event.clientY > 0) dialog.close();
  // Links lead to views, which the dialog would hide.
  if (event.target.closest?.("a[href^='#']")) dialog.close();
});
