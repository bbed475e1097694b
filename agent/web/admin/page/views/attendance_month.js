// A month of everybody, fetched in lots, so that the door is never kept waiting.
import { get } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";
import { hours } from "/admin/views/attendance.js";
import { balance, hm, months, person, remarks, scroll, tabs } from "/admin/views/attendance_parts.js";

const SHOWN = 200;
const MORE = ["worked_seconds", "planned_seconds", "balance_seconds", "overtime_seconds"];

export async function show(place, me, [month = ""]) {
  const gone = new AbortController();
  const list = h("div"), side = h("div", { class: "columns" }), state = h("p", { class: "soft", role: "status" });
  const search = field("Search", { type: "search", oninput: () => draw() });
  const only = h("label", {}, h("input", { type: "checkbox", onchange: () => draw() }), " only with something to look at");
  const told = { people: [], remarks: [], arrivals: [] };
  let first = null;

  function draw() {
    const wanted = search.control.value.trim().toLowerCase(), look = only.firstChild.checked;
    const found = told.people.filter((each) => (!look || each.look_at) && `${each.name} ${each.person}`.toLowerCase().includes(wanted));
    const sum = (what) => found.reduce((all, each) => all + each[what], 0);
    const row = (each, name) => h("tr", {}, h(each.days ? "td" : "th", {}, name), h("td", {}, each.days ? spark(each.days) : null),
      MORE.map((what) => h("td", { class: "number" }, what === "balance_seconds" ? (each.planned_seconds ? balance(each[what]) : "") : each[what] ? hm(each[what]) : "")),
      h("td", { class: "number warn" }, each.look_at ? String(each.look_at) : ""));
    const all = Object.fromEntries([...MORE, "look_at"].map((what) => [what, sum(what)]));
    put(list, scroll("The month of everybody", h("table", {},
      h("thead", {}, h("tr", {}, h("th", {}, "Name"), h("th", {}, "Days"), ["Worked", "Planned", "Balance", "Overtime", "To look at"].map((name) => h("th", { class: "number" }, name)))),
      h("tbody", {}, found.slice(0, SHOWN).map((each) => row(each, person(each, first.month)))),
      h("tfoot", {}, row(all, `${found.length} ${found.length === 1 ? "person" : "people"}`)))),
    found.length > SHOWN ? h("p", { class: "soft" }, `${SHOWN} are shown: search for others.`) : null);
  }

  for (let after = "", more = true; more && !gone.signal.aborted;) {
    const lot = await get(`attendance/month?month=${month}&after=${after}`);
    if (!place.isConnected) return;
    if (!first) {
      first = lot;
      told.arrivals = lot.arrivals.map(() => 0);
      put(place, h("h1", {}, "Attendance"), tabs("month", first.month), months(first.month, "#/attendance/month", first.kinds),
        state, h("section", { class: "card" }, h("div", { class: "bar" }, search, only), list), side);
    }
    told.people.push(...lot.people);
    told.remarks.push(...lot.remarks);
    told.arrivals = told.arrivals.map((count, hour) => count + lot.arrivals[hour]);
    ({ last: after, more } = lot);
    put(state, more ? `${told.people.length} people so far …` : `Times are those of ${first.zone}.`);
    draw();
  }
  told.remarks.sort((one, other) => (one.day < other.day ? 1 : one.day > other.day ? -1 : 0));
  put(side, h("section", { class: "card" }, h("h2", {}, "To look at"), remarks(told.remarks)), h("section", { class: "card" }, hours(told.arrivals, "Arrivals of the month, by hour")));
}

// A small bar a day: worked before planned, 12 hours high
function spark(days) {
  const bar = (kind, seconds, number) => { const tall = Math.min(seconds / 43200, 1) * 24; return h("rect", { class: kind, x: number * 4, y: 24 - tall, width: 3, height: tall }); };
  return h("svg", { class: "spark", viewBox: `0 0 ${days.length * 4} 26`, "aria-hidden": "true" },
    days.map(([worked, planned, bad], number) => [planned ? bar("plan", planned, number) : null, worked ? bar("work", worked, number) : null, bad ? h("rect", { class: "miss", x: number * 4, y: 24, width: 3, height: 2 }) : null]));
}
