// Mail to staff, newest first, as HTML (in a frame that may do nothing) or as plain text.

import { ask, element, listen, say, showProblem, soon } from "./service.js";
import { showStrip, startStrip } from "./strip.js";
import { short } from "./time.js";

const byId = (id) => document.getElementById(id);
let mails = [];
let chosen = null;
let form = "html";
let zone = "UTC";

function came(mail) {
  const time = element("time", "quiet", short(mail.at, zone));
  time.dateTime = mail.at;
  return time;
}

function showMail(focus) {
  const mail = mails.find((each) => each.id === chosen);
  if (!mail) return;
  const asHtml = mail.html && form === "html";
  byId("subject").textContent = mail.subject;
  byId("addresses").replaceChildren(`${mail.from} to ${mail.to.join(", ")} · `, came(mail));
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
  button.type = "button";
  button.dataset.mail = mail.id;
  // The blanks keep the parts apart where they are read out as the button's name.
  button.append(element("span", "", mail.subject), " ", element("span", "quiet", mail.to.join(", ")), " ", came(mail));
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
zone = (await startStrip()).zone;
const refresh = soon(load);
listen({
  open: load,
  text: refresh,
  clock: (state) => { showStrip(state); if (!state.running) refresh(); },
});
