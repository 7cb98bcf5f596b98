// The tour: which of its steps are behind the visitor, and whose phone fits the next ones.

import { ask, element, listen, say, showProblem, soon } from "./service.js";
import { showStrip, startStrip } from "./strip.js";

const steps = new Map();

for (const item of document.querySelectorAll("#tour > li")) {
  const suggestion = item.querySelector("[data-suggest]");
  steps.set(item.id.replace("tour-", ""), { item, suggestion, words: suggestion?.textContent });
}

function showStep({ item, suggestion, words }, stop, announce) {
  const before = item.dataset.done;
  item.dataset.done = String(stop.done);
  item.querySelector(".state").textContent = stop.done ? "Done" : "To do";
  if (announce && stop.done && before === "false") say(`Done: ${item.querySelector("h3").firstChild.textContent.trim()}`);
  if (!suggestion || suggestion.dataset.shown === (stop.patient?.id ?? "")) return;
  suggestion.dataset.shown = stop.patient?.id ?? "";
  if (!stop.patient) {
    suggestion.textContent = words;
    return;
  }
  const link = element("a", "", stop.patient.initials);
  link.href = `/phones#phone-${stop.patient.id}`;
  link.dataset.patient = stop.patient.id;
  suggestion.replaceChildren(link);
}

let shown = false;

async function load() {
  try {
    const { stops } = await ask("/api/tour");
    for (const stop of stops) showStep(steps.get(stop.name), stop, shown);
    shown = true;
    document.getElementById("tour-count").textContent = stops.filter((stop) => stop.done).length;
    showProblem(document.getElementById("problem"), null);
  } catch (error) {
    showProblem(document.getElementById("problem"), error);
  }
}

const refresh = soon(load, 1500);
await startStrip();
listen({
  open: load,
  text: refresh,
  alert: refresh,
  clock: (state) => { showStrip(state); refresh(); },
});
