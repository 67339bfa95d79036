// The page reads without this. It adds: a step slider for each study, the map of heads at that step, filters and sorting.
"use strict";
document.documentElement.classList.add("script");

function atStep(points, step) {
  let found = null;
  for (const point of points) if (Number(point.dataset.step) <= step) found = point;
  return found;
}

function showStep(study, step) {
  study.classList.add("on");
  for (const figure of study.querySelectorAll(".strip > figure")) {
    const panel = figure.querySelector(".panel");
    const { left, across, last } = panel.dataset;
    const x = Number(left) + Number(across) * Math.log1p(step) / Math.log1p(Number(last));
    const cursor = panel.querySelector(".cursor");
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    const readout = figure.querySelector(".readout");
    readout.replaceChildren();
    for (const line of panel.querySelectorAll("g[data-series]")) {
      const points = [...line.querySelectorAll("circle")];
      const now = atStep(points, step);
      for (const point of points) point.classList.toggle("now", point === now);
      if (figure.dataset.marks) { // a half-way step that is still to come is pale
        line.classList.toggle("later", now === null);
      } else if (now !== null) {
        const item = document.createElement("li");
        item.className = line.getAttribute("class");
        item.textContent = now.dataset.value;
        item.title = line.dataset.series + ", step " + now.dataset.step;
        readout.append(item);
      }
    }
  }
  showHeads(study, step);
}

function showHeads(study, step) {
  const data = study.querySelector("script.map-data");
  if (!data) return;
  const map = data.map ??= JSON.parse(data.textContent);
  let frame = 0;
  map.steps.forEach((scored, place) => { if (scored <= step) frame = place; });
  const { role, radius, words } = map.frames[frame];
  study.querySelectorAll(".heads circle").forEach((circle, place) => {
    circle.setAttribute("r", radius[place]);
    circle.setAttribute("fill", role[place] < 0 ? "none" : map.roles[role[place]].colour);
    circle.querySelector("title").textContent = circle.dataset.name + ": " + words[place];
  });
  const scored = map.steps[frame];
  const only = map.steps.length === 1 ? "the only step at which roles are scored" : "the last scored step up to the slider's";
  study.querySelector(".map-step").textContent = scored > step
    ? "at step " + scored + ", the first step at which roles are scored; the slider is before it"
    : "at step " + scored + ", " + only;
  study.querySelector(".heads").classList.toggle("before", scored > step);
}

for (const study of document.querySelectorAll("section.study")) {
  const slider = study.querySelector(".slider input");
  const steps = slider.dataset.steps.split(" ").map(Number);
  const show = () => {
    const step = steps[Number(slider.value)];
    slider.setAttribute("aria-valuetext", "step " + step);
    study.querySelector(".slider output").textContent = "step " + step;
    showStep(study, step);
  };
  slider.addEventListener("input", show);
  show();
}

const table = document.querySelector(".all-verdicts");
if (table) {
  const body = table.tBodies[0], rows = [...body.rows];
  const controls = [...document.querySelectorAll(".filters [data-filter]")];
  const filter = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !controls.every((control) => {
        const wanted = control.value.toLowerCase();
        if (control.type === "checkbox") return !control.checked || row.dataset[control.dataset.filter] === "yes";
        if (control.dataset.filter === "words") return row.textContent.toLowerCase().includes(wanted);
        return !wanted || row.dataset[control.dataset.filter] === control.value;
      });
      shown += row.hidden ? 0 : 1;
    }
    document.querySelector(".filters output").textContent = shown + " of " + rows.length;
  };
  for (const control of controls) control.addEventListener("input", filter);
  filter();
  table.querySelectorAll("thead button").forEach((button, column) => button.addEventListener("click", () => {
    const head = button.parentElement;
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const numeric = head.classList.contains("numeric");
    rows.sort((one, other) => {
      const [first, second] = [key(one), key(other)];
      if (!numeric) return direction * first.localeCompare(second);
      if (first === "" || second === "") return (first === "") - (second === ""); // what has no number comes last
      return direction * (Number(first) - Number(second));
    });
    body.append(...rows);
  }));
  const reveal = () => { // a link to a row that a filter hides shows it
    const row = location.hash.startsWith("#verdict-") && document.getElementById(location.hash.slice(1));
    if (row && row.hidden) { row.hidden = false; row.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
}
// A link into what is folded opens it.
const unfold = () => {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details:not([open])");
  if (folded) { folded.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", unfold);
unfold();
