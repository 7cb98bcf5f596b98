// What this machine's service answers, and its live news. Errors carry the sentence that the service gave.

export async function ask(path, method = "GET", body = undefined) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The service does not answer. Is it still running in the terminal?");
  }
  const content = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

// Calls `handlers[name](data)` for each piece of news, and `handlers.open()` whenever the line stands (again).
export function listen(handlers) {
  const events = new EventSource("/api/events");
  for (const [name, handle] of Object.entries(handlers)) {
    if (name === "open") events.addEventListener("open", handle);
    else events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
}

export function say(words) {
  document.getElementById("announcer").textContent = words;
}

export function showProblem(place, error) {
  place.textContent = error ? error.message ?? error : "";
  place.hidden = !error;
}

// A `load` that may be asked for at every piece of news: once within `first` milliseconds, and twice more after the last
// of them, because work that a text or a click set off goes on for a moment.
export function soon(load, first = 500) {
  let next = null;
  let later = [];
  return () => {
    next ??= setTimeout(() => { next = null; load(); }, first);
    later.forEach(clearTimeout);
    later = [2000, 5000].map((after) => setTimeout(load, after));
  };
}

export function element(name, className, words = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = words;
  return made;
}
