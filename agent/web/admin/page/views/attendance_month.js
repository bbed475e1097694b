// A month of everybody, fetched in lots, so that the door is never kept waiting.
import { get } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";
import { card, hours, months, number, person, remarks, table, tabs } from "/admin/views/attendance_parts.js";

const SHOWN = 200;

export async function show(place, me, [month = ""]) {
  const list = h("div"), state = h("p", { class: "soft", role: "status" });
  const search = field("Search", { type: "search", oninput: () => draw() });
  const only = h("input", { type: "checkbox", onchange: () => draw() });
  const people = [], told = [];
  let arrivals = [], lot = { last: "", more: true };

  function draw() {
    const wanted = search.control.value.trim().toLowerCase();
    const found = people.filter((each) => (!only.checked || each.look_at) && `${each.name} ${each.person}`.toLowerCase().includes(wanted));
    put(list, table(["Name", "Days", "#Worked", "#Planned", "#Balance", "#Overtime", "#To look at"], found.slice(0, SHOWN).map((each) =>
      h("tr", {}, h("td", {}, person(each, lot.month)), h("td", {}, spark(each.days)), each.cells.map(number), number(each.look_at ? `${each.look_at}` : "")))),
    found.length > SHOWN ? h("p", { class: "soft" }, "There are more: search for them.") : null);
  }

  for (let first = true; lot.more; first = false) {
    lot = await get(`attendance/month?${new URLSearchParams({ month, after: lot.last })}`);
    if (!place.isConnected) return;
    if (first) put(place, h("h1", {}, "Attendance"), tabs("Month", lot.month), months(lot, "#/attendance/month"), state,
      card(h("div", { class: "bar" }, search, h("label", {}, only, " only with something to look at")), list));
    people.push(...lot.people);
    told.push(...lot.remarks);
    arrivals = lot.arrivals.map((count, hour) => count + (arrivals[hour] ?? 0));
    put(state, `${people.length} people${lot.more ? " so far …" : `. Times are those of ${lot.zone}.`}`);
    draw();
  }
  told.sort((one, other) => (one.day < other.day) - (one.day > other.day));
  place.append(h("div", { class: "columns" }, card(remarks(told)), card(hours(arrivals, "Arrivals of the month, by hour"))));
}

// A small bar a day: worked before planned, 12 hours high
function spark(days) {
  const bar = (kind, high, at) => high ? h("rect", { class: kind, x: at * 4, y: 24 - high, width: 3, height: high }) : null;
  return h("svg", { class: "spark", viewBox: `0 0 ${days.length * 4} 26`, "aria-hidden": "true" }, days.map(([worked, planned, bad], at) =>
    [bar("plan", Math.min(planned / 1800, 24), at), bar("work", Math.min(worked / 1800, 24), at), bad ? h("rect", { class: "miss", x: at * 4, y: 24, width: 3, height: 2 }) : null]));
}
