// Who is in today; the month of everybody and of one person are views of their own.
import { ask, get } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";
import { plot } from "/admin/plot.js";
import { at, dayName, flags, hm, person, remarks, tabs } from "/admin/views/attendance_parts.js";

export const title = "Attendance";
const LOOK_MS = 5000, SHOWN = 200;
const STATES = { missing: "not come", in: "in", break: "on a break", expected: "expected", gone: "gone" };
const TONES = { missing: "bad", in: "good", break: "warn" };

export async function show(place, me, rest) {
  const [what = "today", ...more] = rest;
  if (!me.may("report")) return whoIsIn(place);
  if (what === "today") return today(place);
  const view = await import(`/admin/views/attendance_${what === "person" ? "person" : "month"}.js`);
  return view.show(place, me, what === "person" ? more : rest.slice(1));
}

export const hours = (counts, name) => plot({
  title: name, height: 180,
  series: [{ name: "Arrivals", kind: "bars", points: counts.map((count, hour) => [hour, count]) }],
  x: { from: 0, to: 24, bin: 1, name: "Hour", ticks: [0, 3, 6, 9, 12, 15, 18, 21], say: (hour) => `${hour}:00` },
  y: { name: "People", to: Math.max(4, ...counts) },
});

// For whoever may not see what was worked
async function whoIsIn(place) {
  const { people } = await ask("who_is_in");
  put(place, h("h1", {}, title), h("p", {}, `${people.length} in`), h("ul", {}, people.map((each) =>
    h("li", {}, each.name ?? each.person, each.on_break ? ", on a break" : "", ` (${each.where})`))));
}

async function today(place) {
  const head = h("p", { class: "soft" }), list = h("div"), side = h("div"), tiles = h("div", { class: "bar tiles", role: "group", "aria-label": "Show only" });
  const search = field("Search", { type: "search", oninput: () => people() });
  let told = null, only = "", mark = "";
  put(place, h("h1", {}, title), tabs("today"), head, tiles, h("div", { class: "columns" }, h("section", { class: "card" }, search, list), side));

  function people() {
    const wanted = search.control.value.trim().toLowerCase();
    const found = told.people.filter((each) => (!only || each.state === only) && `${each.name} ${each.person}`.toLowerCase().includes(wanted));
    const all = only ? told.counts[only] : Object.values(told.counts).reduce((sum, each) => sum + each, 0);
    put(list, found.length ? h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, h("th", {}, "Who"), h("th", {}, "Since"), h("th", { class: "number" }, "Worked"))),
      h("tbody", {}, found.slice(0, SHOWN).map(row))) : h("p", { class: "empty" }, "Nobody."),
    all > SHOWN ? h("p", { class: "soft" }, `${Math.min(SHOWN, found.length)} of ${all} are shown: search for others.`) : null);
  }

  function row(each) {
    const plan = each.planned.map((span) => span.join("–")).join(", ");
    return h("tr", {},
      h("td", {}, person(each, told.day.slice(0, 7)), " ", h("span", { class: `tag ${TONES[each.state] ?? "soft"}` }, STATES[each.state]), " ", flags(each.flags),
        plan ? h("div", {}, h("small", {}, `planned ${plan}`)) : null),
      h("td", {}, at(each.since, told.day), each.where ? h("div", {}, h("small", {}, each.where, each.by === "access" ? ", by the door" : "")) : null),
      h("td", { class: "number" }, each.worked_seconds ? hm(each.worked_seconds) : ""));
  }

  function draw() {
    put(head, `${dayName(told.day, { dateStyle: "full" })}${told.kind ? ` (${told.kind})` : ""}. Times are those of ${told.zone}. As of ${at(told.at, told.day)}.`);
    put(tiles, Object.entries(STATES).map(([state, name]) => h("button", {
      class: `tile ${TONES[state] ?? ""}`, "aria-pressed": String(only === state), data: { state },
      onclick: () => { only = only === state ? "" : state; draw(); tiles.querySelector(`[data-state=${state}]`).focus(); },
    }, h("strong", {}, String(told.counts[state])), name)));
    people();
  }

  async function look() {
    if (document.hidden) return;
    const news = await get(`attendance/today?seen=${mark}`);
    if (news.mark === mark) return;
    told = news;
    mark = news.mark;
    const focused = tiles.contains(document.activeElement) ? document.activeElement.dataset.state : null;
    draw();
    if (focused) tiles.querySelector(`[data-state=${focused}]`).focus();
    put(side, h("section", { class: "card" }, h("h2", {}, "To look at"), remarks(told.remarks, told.more_remarks)),
      h("section", { class: "card" }, hours(told.arrivals, "Arrivals today, by hour")));
  }

  await look();
  const again = setInterval(() => look().catch((error) => { if (told) put(head, h("span", { class: "bad" }, error.message)); }), LOOK_MS);
  return () => clearInterval(again);
}
