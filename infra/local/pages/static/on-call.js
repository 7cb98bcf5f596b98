// Alerts as the person on call sees them, newest first; a named person takes and closes them.

import { ask, element, listen, say, showProblem, soon } from "./service.js";
import { showStrip, startStrip } from "./strip.js";
import { short } from "./time.js";

const LEVELS = { emergency: "Emergency", urgent: "Urgent", same_day: "Same day" };
const STATUSES = { open: "open", acknowledged: "taken", closed: "closed" };
const MAILS = { sent: "mail sent", planned: "mail on its way", claimed: "mail on its way" };
const NAME = "on-call-name";
const byId = (id) => document.getElementById(id);
const cards = new Map();
let now = null;
let shown = false;

function showPeople(people) {
  const select = byId("who");
  if (select.options.length) return;
  select.replaceChildren(...people.map((name) => new Option(name, name)));
  const before = sessionStorage.getItem(NAME);
  if (people.includes(before)) select.value = before;
}

function said(step, alert) {
  switch (step.reason) {
    case "opened": return "Opened";
    case "level rose": return "The level rose: paging starts again";
    case "wrote again": return "The patient wrote again";
    case "acknowledged": return step.by ? `Taken by ${step.by}` : "Taken";
    case "closed": return `Closed by ${step.by}: ${alert.outcome}`;
    case "paged": {
      const told = step.told.map((each) => `${each.to} (${MAILS[each.status] ?? "mail failed"})`);
      return told.length ? `Paged ${told.join(", ")}` : "Paged";
    }
    default: return step.reason[0].toUpperCase() + step.reason.slice(1);
  }
}

function showSteps(list, alert) {
  list.replaceChildren(
    ...alert.steps.map((step) => {
      const item = element("li", "");
      const time = element("time", "quiet", short(step.at, alert.zone));
      time.dateTime = step.at;
      item.append(time, " ", said(step, alert));
      return item;
    }),
  );
}

function nextWords(alert) {
  if (!alert.next) return "";
  const to = alert.next.to.length ? ` to ${alert.next.to.join(", ")}` : "";
  const when = new Date(alert.next.at) <= new Date(now) ? "now" : short(alert.next.at, alert.zone);
  if (alert.status === "acknowledged") return `Taken by ${alert.owner}. If it is not closed, the next page leaves ${when}${to}.`;
  return `Next page: ${when}${to}.`;
}

function showWho(place, alert) {
  place.replaceChildren();
  if (alert.initials) {
    const link = element("a", "", `Patient ${alert.initials}`);
    link.href = `/phones#phone-${alert.thread}`;
    place.append(link);
  } else {
    place.append("A number that the clinic does not know");
  }
  place.append(` · id ${alert.thread} · opened ${short(alert.opened, alert.zone)}`);
}

function make(alert) {
  const item = byId("alert").content.firstElementChild.cloneNode(true);
  const find = (selector) => item.querySelector(selector);
  const card = { item, find, id: alert.id };
  const heading = find("h3");
  heading.id = `alert-${alert.code}`;
  heading.textContent = `Alert ${alert.code}`;
  find("article").setAttribute("aria-labelledby", heading.id);
  find("[data-act=take]").textContent = `Take alert ${alert.code}`;
  find("[data-act=close]").textContent = `Close alert ${alert.code}`;
  const field = find("input");
  field.id = `outcome-${alert.id}`;
  find("label").htmlFor = field.id;
  find("label").textContent = "What came of it";
  item.dataset.code = alert.code;
  find(".taking").addEventListener("submit", (event) => {
    event.preventDefault();
    act(card, "acknowledge", { who: byId("who").value });
  });
  find(".closing").addEventListener("submit", (event) => {
    event.preventDefault();
    act(card, "close", { who: byId("who").value, outcome: field.value });
  });
  cards.set(alert.id, card);
  byId("alerts").prepend(item);
  if (shown) say(`New alert ${alert.code}, ${LEVELS[alert.level]}`);
  return card;
}

function show(alert) {
  const card = cards.get(alert.id) ?? make(alert);
  const { item, find } = card;
  card.known = Boolean(alert.initials);
  item.dataset.level = alert.level;
  item.dataset.status = alert.status;
  find(".marks").replaceChildren(
    element("span", "mark level", LEVELS[alert.level]),
    element("span", "mark", STATUSES[alert.status] ?? alert.status),
  );
  find(".why").textContent = alert.why;
  showWho(find(".who"), alert);
  find(".urge").hidden = !alert.phone_now;
  find(".next").textContent = nextWords(alert);
  find(".next").hidden = !alert.next;
  find(".taking").hidden = alert.status !== "open";
  find(".closing").hidden = alert.status === "closed";
  showSteps(find(".steps"), alert);
}

function showPages(alerts) {
  const mails = alerts.flatMap((alert) => alert.mails.map((mail) => ({ ...mail, zone: alert.zone })));
  mails.sort((one, other) => new Date(other.at) - new Date(one.at));
  byId("pages").replaceChildren(
    ...mails.map((mail) => {
      const item = element("li", "");
      item.append(
        element("p", "quiet", `${short(mail.at, mail.zone)} · to ${mail.to} (${mail.address}) · ${MAILS[mail.status] ?? "mail failed"}`),
        element("p", "subject", mail.subject),
        element("p", "words", mail.text.trim()),
      );
      return item;
    }),
  );
}

async function act(card, what, body) {
  const [problem, done] = [card.find(".failed"), card.find(".done")];
  showProblem(problem, null);
  done.textContent = "";
  try {
    const { reason } = await ask(`/api/alerts/${encodeURIComponent(card.id)}/${what}`, "POST", body);
    if (reason === "closed already") throw new Error("Somebody has closed this alert already.");
    done.textContent = what === "close"
      ? `Closed by ${body.who}.${card.known ? " This patient gets check-ins again." : ""}`
      : `Taken by ${body.who}. Phone the patient, then close the alert with what came of it.`;
    await load();
    card.find("h3").focus();
  } catch (error) {
    showProblem(problem, error);
    refresh();
  }
}

async function load() {
  try {
    const found = await ask("/api/alerts");
    now = found.now;
    showPeople(found.people);
    for (const alert of found.alerts.toReversed()) show(alert);
    showPages(found.alerts);
    byId("loading").hidden = true;
    byId("none").hidden = found.alerts.length > 0;
    byId("board").hidden = found.alerts.length === 0;
    shown = true;
    showProblem(byId("problem"), null);
  } catch (error) {
    showProblem(byId("problem"), error);
  }
}

const refresh = soon(load);
byId("who").addEventListener("change", (event) => sessionStorage.setItem(NAME, event.target.value));
await startStrip();
listen({
  open: load,
  text: refresh,
  alert: refresh,
  clock: (state) => { showStrip(state); refresh(); },
});
