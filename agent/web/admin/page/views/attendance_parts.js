// What the views of attendance share. Times and durations come from the device in words: nothing is reckoned with here.
import { field, h, put } from "/admin/dom.js";
import { plot } from "/admin/plot.js";

const FILES = { csv: "CSV", xlsx: "Spreadsheet", html: "Page to print" };
const SHORT = 12;
export const dayName = (day, told = { weekday: "short", day: "numeric", month: "short" }) => new Date(`${day}T12:00Z`).toLocaleDateString(undefined, { ...told, timeZone: "UTC" });
export const person = (each, month) => each.person ? h("a", { href: `#/attendance/person/${each.person}/${month}` }, each.name || each.person) : "nobody known";
export const flags = (told) => told.map((each) => [h("span", { class: `tag ${each.tone || "soft"}` }, each.says), " "]);
export const number = (text) => h("td", { class: `number ${{ "+": "good", "−": "bad" }[text[0]] ?? ""}` }, text);
export const card = (...inside) => h("section", { class: "card" }, inside);
// A # before a head: its column has numbers
export const table = (heads, rows, kind = "") => h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": heads.join(", ").replaceAll("#", "") },
  h("table", { class: kind }, h("thead", {}, h("tr", {}, heads.map((head) => h(head ? "th" : "td", { class: head[0] === "#" && "number" }, head.replace("#", ""))))), h("tbody", {}, rows)));

export function tabs(current, month = "") {
  const tab = (name, path) => h("a", { class: "button", href: `#/attendance${path}`, "aria-current": name === current && "page" }, name);
  return h("nav", { class: "bar", "aria-label": "Attendance" }, tab("Today", ""), tab("Month", `/month/${month}`));
}

// Which month is shown, and its files: of a person, or of everybody
export function months({ month, kinds }, path, who = "") {
  const [year, at] = month.split("-");
  const other = (by, sign, says) => h("a", { class: "button", href: `${path}/${new Date(Date.UTC(year, at - 1 + by)).toISOString().slice(0, 7)}`, "aria-label": says }, sign);
  return h("div", { class: "bar" }, other(-1, "‹", "The month before"),
    field("Month", { type: "month", value: month, onchange: (event) => { location.hash = `${path}/${event.target.value}`; } }),
    other(1, "›", "The month after"),
    kinds.map((kind) => h("a", { class: "button", href: `/admin/api/attendance/export?${new URLSearchParams({ month, kind, person: who })}` }, FILES[kind])));
}

export function remarks(told, more = 0, shown = SHORT) {
  const place = h("div");
  const rows = told.slice(0, shown).map((each) => h("tr", {}, h("td", {}, dayName(each.day)), h("td", {}, person(each, each.day.slice(0, 7)), h("br"), h("strong", {}, each.what), " ", h("small", {}, each.detail))));
  return put(place, told.length ? table(["Day", "To look at"], rows) : h("p", { class: "empty" }, "There is nothing to look at."),
    told.length > shown ? h("button", { onclick: () => { put(place, remarks(told, more, 500)); place.querySelector("a")?.focus(); } }, `Show all ${told.length}`) : null,
    more ? h("p", {}, `and ${more} more`) : null);
}

export const hours = (counts, title) => plot({
  title, height: 180, series: [{ name: "Arrivals", kind: "bars", points: counts.map((count, hour) => [hour, count]) }],
  x: { from: 0, to: 24, bin: 1, name: "Hour", ticks: [0, 3, 6, 9, 12, 15, 18, 21], say: (hour) => `${hour}:00` },
  y: { name: "People", to: 4 * Math.ceil(Math.max(1, ...counts) / 4) },
});
