// What the views of attendance share: how times, days and flags are written, and their files.
import { get } from "/admin/api.js";
import { field, h, note } from "/admin/dom.js";

export function hm(seconds, signed = false) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const sign = seconds < 0 && minutes ? "−" : signed && minutes ? "+" : "";
  return `${sign}${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

export const balance = (seconds) => h("span", { class: seconds >= 60 ? "good" : seconds <= -60 ? "bad" : "soft" }, hm(seconds, true));
export const dayName = (day, told = { weekday: "short", day: "numeric", month: "short" }) => new Date(`${day}T12:00Z`).toLocaleDateString(undefined, { ...told, timeZone: "UTC" });
// A time as the device has it, by the clock on the wall: never reckoned with here
export const at = (wall, day) => wall ? `${wall.slice(0, 10) === day ? "" : `${dayName(wall.slice(0, 10))} `}${wall.slice(11, 16)}` : "";
export const person = (each, month) => each.person ? h("a", { href: `#/attendance/person/${each.person}/${month}` }, each.name || each.person) : h("span", { class: "soft" }, "nobody known");
export const flags = (told) => told.map((each) => [h("span", { class: `tag ${each.tone || "soft"}` }, each.says), " "]);
export const scroll = (label, inside) => h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": label }, inside);

export function tabs(current, month = "") {
  const tab = (name, path, says) => h("a", { class: "button", href: `#/attendance${path}`, "aria-current": name === current ? "page" : null }, says);
  return h("nav", { class: "bar", "aria-label": "Attendance" }, tab("today", "", "Today"), tab("month", `/month/${month}`, "Month"));
}

export function remarks(told, more = 0) {
  if (!told.length) return h("p", { class: "empty" }, "Nothing.");
  const rows = told.slice(0, 100).map((each) => h("tr", {}, h("td", {}, dayName(each.day)), h("td", {}, person(each, each.day.slice(0, 7)), h("div", {}, h("strong", {}, each.what), " ", h("small", {}, each.detail)))));
  const hidden = more + Math.max(0, told.length - 100);
  return [h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", {}, "Day"), h("th", {}, "What"))), h("tbody", {}, rows)), hidden ? h("p", { class: "soft" }, `and ${hidden} more`) : null];
}

// Which month is shown, and its files: of a person, or of everybody
export function months(month, path, kinds, who = "") {
  const [year, number] = month.split("-").map(Number);
  const other = (by) => new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
  const go = (to) => { if (/^\d{4}-\d\d$/.test(to)) location.hash = `${path}/${to}`; };
  const says = { csv: "CSV", xlsx: "Spreadsheet", html: "Page to print" };
  return h("div", { class: "bar" },
    h("a", { class: "button", href: `${path}/${other(-1)}`, "aria-label": "The month before" }, "‹"),
    field("Month", { type: "month", value: month, pattern: "\\d{4}-\\d\\d", onchange: (event) => go(event.target.value) }),
    h("a", { class: "button", href: `${path}/${other(1)}`, "aria-label": "The month after" }, "›"),
    kinds.map((kind) => h("button", { data: { kind }, onclick: (event) => take(event.target, kind) }, says[kind])));

  async function take(button, kind) {
    button.disabled = true;
    try {
      const { blob, name } = await get(`attendance/export?month=${month}&kind=${kind}&person=${who}`);
      const url = URL.createObjectURL(blob);
      h("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    } catch (error) {
      note(error.message, "wrong");
    } finally {
      button.disabled = false;
    }
  }
}
