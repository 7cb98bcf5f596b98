// Mail to staff, newest first, as HTML (in a frame that may do nothing) or as plain text.

import { ask, listen, say, showProblem, soon } from "./service.js";
import { showStrip, startStrip } from "./strip.js";

const byId = (id) => document.getElementById(id);
let mails = [];
let chosen = null;
let form = "html";

function showMail(focus) {
  const mail = mails.find((each) => each.id === chosen);
  if (!mail) return;
  const asHtml = mail.html && form === "html";
  byId("subject").textContent = mail.subject;
  byId("addresses").textContent = `${mail.from} to ${mail.to.join(", ")}`;
  byId("text").textContent = mail.text;
  byId("text").hidden = asHtml;
  byId("html").hidden = !asHtml;
  byId("forms").hidden = !mail.html;
  const address = `/api/mails/${encodeURIComponent(mail.id)}/html`;
  if (asHtml && byId("html").getAttribute("src") !== address) byId("html").src = address;
  for (const button of document.querySelectorAll("[data-form]")) {
    button.setAttribute("aria-pressed", String(button.dataset.form === form));
  }
  for (const button of byId("list").querySelectorAll("button")) {
    if (button.dataset.mail === chosen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  if (focus) byId("mail").focus();
}

function row(mail) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const subject = document.createElement("span");
  const to = document.createElement("span");
  button.type = "button";
  button.dataset.mail = mail.id;
  subject.textContent = mail.subject;
  to.textContent = mail.to.join(", ");
  to.className = "quiet";
  button.append(subject, to);
  button.addEventListener("click", () => { chosen = mail.id; showMail(true); });
  item.append(button);
  return item;
}

async function load() {
  try {
    const known = mails.length;
    mails = (await ask("/api/mails")).mails;
    byId("none").hidden = mails.length > 0;
    byId("mails").hidden = mails.length === 0;
    byId("list").replaceChildren(...mails.map(row));
    if (!mails.some((mail) => mail.id === chosen)) chosen = mails[0]?.id ?? null;
    if (known && mails.length > known) say(`${mails.length - known} new`);
    showMail(false);
    showProblem(byId("problem"), null);
  } catch (error) {
    showProblem(byId("problem"), error);
  }
}

for (const button of document.querySelectorAll("[data-form]")) {
  button.addEventListener("click", () => { form = button.dataset.form; showMail(false); });
}
await startStrip();
const refresh = soon(load);
listen({
  open: load,
  text: refresh,
  clock: (state) => { showStrip(state); if (!state.running) refresh(); },
});
