// The strip under the header: the time, and buttons that move it. Pages without a strip use `buttons` alone.

import { ask, say, showProblem } from "./service.js";
import { place, short } from "./time.js";

let zone = "UTC";

// Wires every button that moves or stops the clock; problems go to `problem`.
export function buttons(problem) {
  for (const button of document.querySelectorAll("[data-run]")) {
    button.addEventListener("click", async () => {
      try {
        showProblem(problem, null);
        await ask("/api/clock/run", "POST", { to: button.dataset.run });
      } catch (error) {
        showProblem(problem, error);
      }
    });
  }
  for (const button of document.querySelectorAll("[data-stop]")) {
    button.addEventListener("click", () => ask("/api/clock/run", "DELETE").catch((error) => showProblem(problem, error)));
  }
}

// What the buttons may do while this is the state of the clock.
export function showButtons(state) {
  for (const button of document.querySelectorAll("[data-run]")) button.disabled = Boolean(state.running);
  for (const button of document.querySelectorAll("[data-stop]")) {
    button.hidden = !state.running;
    button.disabled = state.stopping;
  }
}

export function showBar(bar, state) {
  bar.hidden = !state.running;
  if (state.done === null) bar.removeAttribute("value");
  else bar.value = state.done;
}

export function problemOf(state) {
  if (state.problem) return state.problem;
  if (state.given_up) return `Steps that fail and were passed over: ${state.given_up}. The dead-letter queues say which.`;
  return null;
}

export function showStrip(state) {
  if (state.zone) zone = state.zone;
  document.getElementById("strip-time").textContent = short(state.now, zone);
  document.getElementById("strip-time").dateTime = state.now;
  document.getElementById("strip-zone").textContent = place(zone);
  showButtons(state);
  showBar(document.getElementById("strip-progress"), state);
  showProblem(document.getElementById("strip-problem"), problemOf(state));
}

export function sayTime(state, where) {
  if (!state.running) say(`It is ${short(state.now, where)}`);
}

// The state of the clock at the start, with its zone.
export async function startStrip() {
  buttons(document.getElementById("strip-problem"));
  const state = await ask("/api/clock");
  showStrip(state);
  return state;
}
