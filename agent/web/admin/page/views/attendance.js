// Who is in today; the month of everybody and of one person are views of their own.
import { ask, look as glance } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";
import { card, dayName, flags, hours, number, person, remarks, table, tabs } from "/admin/views/attendance_parts.js";

export const title = "Attendance";
const LOOK_MS = 5000, SHOWN = 200;
const STATES = { missing: "not come", in: "in", break: "on a break", expected: "expected", gone: "gone" };
const TONES = { missing: "bad", in: "good", break: "warn" };

export async function show(place, me, [what, ...rest]) {
  if (!me.may("report")) return whoIsIn(place);
  if (!what) return today(place);
  put(place, h("h1", {}, title), tabs(what === "month" ? "Month" : ""));
  const view = await import(`/admin/views/attendance_${what === "person" ? what : "month"}.js`);
  return view.show(place, me, rest);
}

// For whoever may not see what was worked
async function whoIsIn(place) {
  const { people } = await ask("who_is_in");
  put(place, h("h1", {}, title), h("p", {}, `${people.length} in`),
    h("ul", {}, people.map((each) => h("li", {}, each.name ?? each.person, each.on_break ? ", on a break" : "", ` (${each.where})`))));
}

async function today(place) {
  const head = h("p", { class: "soft" }), list = h("div"), side = h("div"), tiles = h("div", { class: "bar", role: "group", "aria-label": "Show only" });
  const search = field("Search", { type: "search", oninput: () => draw() });
  let told = {}, only = "";

  function draw() {
    const wanted = search.control.value.trim().toLowerCase();
    const found = told.people.filter((each) => (!only || each.state === only) && `${each.name} ${each.person}`.toLowerCase().includes(wanted));
    const focused = tiles.contains(document.activeElement) && document.activeElement.dataset.state;
    put(tiles, Object.entries(STATES).map(([state, name]) => h("button", {
      class: `tile ${TONES[state] ?? ""}`, "aria-pressed": String(only === state), data: { state }, onclick: () => { only = only === state ? "" : state; draw(); },
    }, h("strong", {}, String(told.counts[state])), name)));
    if (focused) tiles.querySelector(`[data-state=${focused}]`).focus();
    put(list, table(["Who", "Since", "#Worked"], found.slice(0, SHOWN).map((each) => h("tr", {},
      h("td", {}, person(each, told.day.slice(0, 7)), " ", h("span", { class: `tag ${TONES[each.state] ?? "soft"}` }, STATES[each.state]), " ", flags(each.flags),
        h("br"), h("small", {}, each.planned.map((span) => span.join("–")).join(", "))),
      h("td", {}, each.since, h("br"), h("small", {}, each.where, each.by === "access" && ", by the door")), number(each.worked)))),
    found.length > SHOWN ? h("p", { class: "soft" }, "There are more: search for them.") : null,
    told.more ? h("p", { class: "soft" }, `Only ${told.people.length} are listed here: look for others in the month.`) : null);
  }

  async function look() {
    if (document.hidden || !place.isConnected) return;
    const news = await glance(`attendance/today?seen=${told.mark ?? ""}`);
    if (news.mark === told.mark) return;
    told = news;
    put(head, `${dayName(told.day, { dateStyle: "full" })}${told.kind ? ` (${told.kind})` : ""}, ${told.at}. Times are those of ${told.zone}.`);
    draw();
    put(side, card(hours(told.arrivals, "Arrivals today, by hour")), card(remarks(told.remarks, told.more_remarks)));
  }

  put(place, h("h1", {}, title), tabs("Today"), head, tiles, h("div", { class: "columns" }, card(search, list), side));
  await look();
  const again = () => look().catch(() => {}); // that the device does not answer is said above
  const timer = setInterval(again, LOOK_MS);
  document.addEventListener("visibilitychange", again);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", again);
  };
}
