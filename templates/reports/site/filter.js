"use strict";
// Shows the records of this page that fit; without scripts all are shown, and the form is not.
const form = document.getElementById("filter");
const found = document.getElementById("found");
const records = [...document.querySelectorAll(".record")];
const words = document.getElementById("words");
const verdict = document.getElementById("verdict");
const counting = document.getElementById("counting");

function fits(record) {
  const wanted = words.value.trim().toLowerCase();
  return (!wanted || record.textContent.toLowerCase().includes(wanted))
    && (!verdict.value || record.dataset.verdict === verdict.value)
    && (!counting.checked || !("stale" in record.dataset));
}

function filter() {
  let count = 0;
  for (const record of records) {
    record.hidden = !fits(record);
    count += record.hidden ? 0 : 1;
  }
  found.textContent = `${count} of ${records.length} on this page`;
}

function open() {
  const record = document.getElementById(location.hash.slice(1));
  if (record instanceof HTMLDetailsElement) {
    record.open = true;
    record.scrollIntoView();
  }
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", filter);
addEventListener("hashchange", open);
filter();
open();
