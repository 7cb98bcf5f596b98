// Every patient's phone: what stands on it, and a line to type on.

import { ask, element, listen, say, showProblem, soon } from "./service.js";
import { showStrip, startStrip } from "./strip.js";
import { clock, place, short } from "./time.js";

const LANGUAGES = { en: "English", es: "Spanish" };
const board = document.getElementById("phones");
const show = document.getElementById("show");
const phones = new Map();
let now = null;

function addText(phone, text, fresh) {
  if (phone.sids.has(text.sid)) return;
  phone.sids.add(text.sid);
  phone.list.querySelector(".empty")?.remove();
  const item = element("li", `text${text.from_patient ? " own" : ""}${fresh ? " fresh" : ""}`);
  item.append(element("span", "unseen", text.from_patient ? "Patient: " : "Clinic: "));
  item.append(element("span", "body", text.body));
  item.append(element("time", "when", short(text.at, phone.zone)));
  phone.list.append(item);
  if (fresh) showLast(phone);
}

function showLast(phone) {
  phone.list.scrollTop = phone.list.scrollHeight;
}

// A list that stands at its last text goes on standing there when its size changes; where a reader scrolled up, it stays.
function keepLast(phone) {
  let atLast = true;
  let width = 0;
  new ResizeObserver(() => {
    width = phone.list.clientWidth;
    if (atLast) showLast(phone);
  }).observe(phone.list);
  phone.list.addEventListener("scroll", () => {
    // A new width moves the texts before the observer hears of it, and no reader has scrolled.
    if (phone.list.clientWidth !== width) return;
    atLast = phone.list.scrollHeight - phone.list.scrollTop - phone.list.clientHeight < 4;
  });
}

function showMarks(phone) {
  const marks = [];
  if (phone.blocked || phone.status === "opted_out") marks.push(["opted out", true]);
  else if (phone.status !== "active") marks.push([phone.status.replaceAll("_", " "), true]);
  if (phone.alert) marks.push(["alert open", true]);
  if (phone.played) marks.push(["you type", false]);
  phone.marks.replaceChildren(...marks.map(([words, warn]) => element("span", warn ? "mark warn" : "mark", words)));
}

function showTime(phone) {
  const where = `${clock(now, phone.zone)} in ${place(phone.zone)}`;
  phone.about.textContent = `${LANGUAGES[phone.language] ?? phone.language} · ${where}`;
}

function showChosen() {
  const chosen = { all: () => true, texted: (phone) => phone.sids.size > 0, played: (phone) => phone.played };
  let shown = 0;
  for (const phone of phones.values()) {
    phone.card.hidden = !chosen[show.value](phone);
    shown += phone.card.hidden ? 0 : 1;
  }
  document.getElementById("none").hidden = shown > 0;
}

function makePhone(given) {
  const card = document.getElementById("phone").content.firstElementChild.cloneNode(true);
  const phone = {
    ...given,
    card,
    sids: new Set(),
    list: card.querySelector(".texts"),
    about: card.querySelector(".about"),
    marks: card.querySelector(".marks"),
  };
  const heading = card.querySelector("h2");
  heading.textContent = given.initials;
  heading.id = `phone-${given.id}`;
  card.dataset.language = given.language;
  card.setAttribute("aria-labelledby", heading.id);
  phone.list.setAttribute("aria-label", `Texts of ${given.initials}`);
  phone.list.append(element("li", "empty", "No texts yet"));
  const field = card.querySelector("input");
  field.id = `type-${given.id}`;
  const label = card.querySelector("label");
  label.htmlFor = field.id;
  label.textContent = `Type as ${given.initials}`;
  card.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    type(phone, field, card.querySelector("form .problem"));
  });
  board.append(card);
  keepLast(phone);
  return phone;
}

async function type(phone, field, problem) {
  try {
    await ask(`/api/phones/${encodeURIComponent(phone.id)}/texts`, "POST", { body: field.value });
    field.value = "";
    phone.played = true;
    showMarks(phone);
    showProblem(problem, null);
  } catch (error) {
    showProblem(problem, error);
  }
}

async function load() {
  const found = await ask("/api/phones");
  now = found.now;
  for (const given of found.phones) {
    const phone = phones.get(given.id) ?? makePhone(given);
    phones.set(given.id, phone);
    Object.assign(phone, { status: given.status, blocked: given.blocked, played: given.played, alert: given.alert });
    for (const text of given.texts) addText(phone, text, !first);
    showMarks(phone);
    showTime(phone);
  }
  document.getElementById("loading").hidden = true;
  showChosen();
}

// The phone that the address names: in view, and ready to type on.
function showNamed() {
  const named = phones.get(location.hash.replace("#phone-", ""));
  for (const phone of phones.values()) phone.card.classList.toggle("named", phone === named);
  if (!named) return;
  show.value = "all";
  showChosen();
  named.card.scrollIntoView({ block: "center" });
  named.card.querySelector("input").focus({ preventScroll: true });
}

function arrived({ patients, text }) {
  for (const id of patients) {
    const phone = phones.get(id);
    if (!phone) continue;
    addText(phone, text, true);
    if (!text.from_patient) say(`New text to ${phone.initials}: ${text.body}`);
  }
  showChosen();
  refresh();
}

function moved(state) {
  now = state.now;
  showStrip(state);
  for (const phone of phones.values()) showTime(phone);
  if (!state.running) load();
}

let first = true;

async function open() {
  await load();
  if (!first) return;
  first = false;
  phones.forEach(showLast);
  showNamed();
}

const refresh = soon(load, 1500);
show.addEventListener("change", showChosen);
addEventListener("hashchange", showNamed);
await startStrip();
listen({ open, text: arrived, alert: refresh, clock: moved });
