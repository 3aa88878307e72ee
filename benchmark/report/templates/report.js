"use strict";
// Sorts a table by a click on a heading, filters rows by words, and hides what was not run. The page is whole without it.
const NUMBER = /^(?:† )?([-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?)(?=$|[\s±])/;  // no date, no commit, no 3D
const value = (row, column) => {
  // The first node has neither the link of a heading nor the footnotes and the paper's number.
  const text = (row.cells[column].firstChild?.textContent ?? "").trim();
  const number = NUMBER.exec(text.replaceAll(",", ""));
  return number ? Number(number[1]) : text;
};
const compare = (one, other, sign) => {
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;  // what has no value is last either way
  return sign * (typeof one === "number" ? one - other : one.localeCompare(other));
};
const sorted = (rows, column, down) =>
  [...rows].sort((one, other) => compare(value(one, column), value(other, column), down ? -1 : 1));
for (const table of document.querySelectorAll("table.data")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...sorted(body.rows, column, down));
    });
  });
}
const [words, measured] = document.querySelectorAll(".tools input");
words.addEventListener("input", () => {
  const asked = words.value.toLowerCase().split(/\s+/);
  for (const box of document.querySelectorAll(".block")) {
    const heading = (box.getAttribute("aria-label") + " ").toLowerCase();
    const rows = [...box.querySelectorAll("tbody tr")];
    for (const row of rows) row.classList.toggle("filtered", !asked.every(word => (heading + row.textContent.toLowerCase()).includes(word)));
    box.classList.toggle("filtered", rows.every(row => row.classList.contains("filtered")));
  }
});
measured.addEventListener("change", () => document.body.classList.toggle("measured-only", measured.checked));
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(one => { one.open = true; }));
document.querySelector(".tools").hidden = false;
