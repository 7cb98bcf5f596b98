// Times as people there read them.

const made = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat("en-US", { timeZone: zone, ...options }));
  return made.get(key);
}

export function clock(at, zone) {
  return format(zone, { hour: "numeric", minute: "2-digit" }).format(new Date(at));
}

export function day(at, zone) {
  return format(zone, { weekday: "long", month: "long", day: "numeric", year: "numeric" }).format(new Date(at));
}

export function short(at, zone) {
  return format(zone, { weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" })
    .format(new Date(at));
}

export function place(zone) {
  return zone.split("/").at(-1).replaceAll("_", " ");
}
