// The clock: the time, the run under way, and what happens next.

import { ask, listen, showProblem } from "./service.js";
import { buttons, problemOf, sayTime, showBar, showButtons } from "./strip.js";
import { clock, day, place, short } from "./time.js";

const SHOWN_NAMES = 6;
const byId = (id) => document.getElementById(id);
let zone = "UTC";
let switched = 0;
let switching = 0;

function showTime(state) {
  byId("time").textContent = clock(state.now, zone);
  byId("time").dateTime = state.now;
  byId("date").textContent = day(state.now, zone);
  byId("zone").textContent = `in ${place(zone)}`;
}

function showRun(state) {
  showTime(state);
  showButtons(state);
  byId("run").hidden = !state.running;
  showBar(byId("progress"), state);
  const goal = state.until ? `to ${short(state.until, zone)}` : "to the next event";
  const pace = state.moments === 1 ? "1 moment" : `${state.moments} moments`;
  byId("progress-words").textContent = state.stopping ? "Stopping at the next moment of rest …" : `On the way ${goal} · ${pace}`;
  showProblem(byId("problem"), problemOf(state));
}

function cell(words, beneath = "") {
  const made = document.createElement("td");
  made.textContent = words;
  if (beneath) {
    const more = document.createElement("span");
    more.className = "quiet";
    more.textContent = beneath;
    made.append(more);
  }
  return made;
}

function names(who) {
  const more = who.length - SHOWN_NAMES;
  return who.slice(0, SHOWN_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

// Where the step's own clock shows something else than ours.
function there(entry) {
  const [here, local] = [short(entry.at, zone), short(entry.at, entry.zone)];
  if (here === local) return "";
  const sameDay = day(entry.at, zone) === day(entry.at, entry.zone);
  return `${sameDay ? clock(entry.at, entry.zone) : local} in ${place(entry.zone)}`;
}

function showNext(entries) {
  byId("nothing").hidden = entries.length > 0;
  byId("next").replaceChildren(
    ...entries.map((entry) => {
      const row = document.createElement("tr");
      row.append(cell(short(entry.at, zone), there(entry)), cell(entry.what), cell(names(entry.who)));
      return row;
    }),
  );
}

async function load() {
  // What the service says of the switch is old if somebody moves it meanwhile.
  const before = switching ? null : switched;
  const state = await ask("/api/clock");
  zone = state.zone;
  if (before === switched) byId("answering").checked = state.answering;
  showRun(state);
  showNext(state.next);
}

let later = null;

function moved(state) {
  showRun(state);
  sayTime(state, zone);
  if (!state.running) load();
  else later ??= setTimeout(() => { later = null; load(); }, 4000);
}

byId("answering").addEventListener("change", async (event) => {
  switched += 1;
  switching += 1;
  try {
    await ask("/api/answering", "PUT", { on: event.target.checked });
  } catch (error) {
    event.target.checked = !event.target.checked;
    showProblem(byId("problem"), error);
  } finally {
    switching -= 1;
  }
});
buttons(byId("problem"));
listen({ open: load, clock: moved, text: () => { later ??= setTimeout(() => { later = null; load(); }, 500); } });
