// The last events in the service, newest first.

import { ask, element, listen, say, showProblem, soon } from "./service.js";
import { showStrip, startStrip } from "./strip.js";
import { short } from "./time.js";

const byId = (id) => document.getElementById(id);
let zone = "UTC";
let moving = false;
let events = null;

// Roles are said aloud because a narrow screen lays rows out as blocks.
function cell(className, ...parts) {
  const made = element("td", className);
  made.setAttribute("role", "cell");
  made.append(...parts);
  return made;
}

function row(event) {
  const made = element("tr", "");
  made.setAttribute("role", "row");
  made.dataset.function = event.function;
  made.dataset.outcome = event.outcome;
  const time = element("time", "", short(event.at, zone));
  time.dateTime = event.at;
  const outcome = element("span", event.outcome === "done" ? "mark" : "mark warn", event.outcome);
  const record = event.kind ? [`${event.kind} `, element("code", "", event.of)] : [];
  made.append(
    cell("", time),
    cell("", element("code", "", event.function)),
    cell("", outcome),
    cell("reason", event.reason),
    cell("", ...record),
  );
  return made;
}

function showEvents() {
  const wanted = byId("function").value;
  const chosen = events.filter((event) => !wanted || event.function === wanted);
  byId("events").replaceChildren(...chosen.map(row));
  byId("none").hidden = chosen.length > 0;
  byId("scroll").hidden = chosen.length === 0;
}

function showFunctions() {
  const select = byId("function");
  const known = new Set([...select.options].map((option) => option.value));
  for (const name of [...new Set(events.map((event) => event.function))].sort()) {
    if (!known.has(name)) select.append(new Option(name, name));
  }
}

async function load() {
  try {
    const found = (await ask("/api/flow")).events;
    const changed = JSON.stringify(found[0]) !== JSON.stringify(events?.[0]);
    if (events && changed && !moving) say("New events");
    events = found;
    showFunctions();
    showEvents();
    showProblem(byId("problem"), null);
  } catch (error) {
    showProblem(byId("problem"), error);
  }
}

const refresh = soon(load, 1000);
byId("function").addEventListener("change", () => { if (events) showEvents(); });
zone = (await startStrip()).zone;
listen({
  open: load,
  text: refresh,
  clock: (state) => {
    moving = Boolean(state.running);
    showStrip(state);
    refresh();
  },
});
