// The month of one person: the days, their punches as made and as they count, and correcting them.
import { get } from "/admin/api.js";
import { h, note, put } from "/admin/dom.js";
import { correct, takeBack } from "/admin/views/attendance_correct.js";
import { card, dayName, flags, months, number, table, tabs } from "/admin/views/attendance_parts.js";

const HEADS = ["Day", "", "#Came", "#Left", "#Worked", "#Breaks", "#Balance", "Remarks"];

export async function show(place, me, [who, month = ""]) {
  const open = new Set();
  let told;

  async function load() {
    told = await get(`attendance/month?${new URLSearchParams({ month, person: who })}`);
    const days = table(HEADS, [], "days"), body = days.querySelector("tbody");
    days.querySelector("thead td").append(h("div", { class: "lane" }, told.hours.map(([left, hour]) => h("span", { style: { left: `${left}%` } }, hour))));
    put(body, told.days.map(row));
    put(place, h("h1", {}, told.name), tabs("", told.month), months(told, `#/attendance/person/${who}`, who),
      card(h("p", { class: "soft" }, told.enrolled && me.may("list") ? h("a", { href: `#/people/one/${encodeURIComponent(who)}` }, who) : who, [told.shift && ` · shift ${told.shift}`, !told.enrolled && " · not enrolled", ` · times are those of ${told.zone}`]),
        h("dl", { class: "sums" }, told.sums.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))), days), year());
  }

  const again = async (day) => {
    await load();
    place.querySelector(`[data-day="${day}"] button`)?.focus();
  };

  function row(day) {
    const free = day.kind || [0, 6].includes(new Date(`${day.day}T12:00Z`).getUTCDay());
    const inside = h("tr", { class: "opened", hidden: !open.has(day.day) }, h("td", { colSpan: 8 }, h("div", {}, details(day))));
    const toggle = h("button", { class: "quiet", "aria-expanded": String(!inside.hidden), onclick: () => {
      inside.hidden = !inside.hidden;
      toggle.setAttribute("aria-expanded", String(!inside.hidden));
      open[inside.hidden ? "delete" : "add"](day.day);
    } }, dayName(day.day, { weekday: "short", day: "numeric" }));
    return [h("tr", { class: free ? "free" : "", data: { day: day.day } }, h("td", {}, toggle),
      h("td", {}, h("div", { class: "lane" }, day.pieces.map((each) => h("i", { class: each.kind, title: each.says, style: { left: `${each.left}%`, width: `${each.width}%` } })))),
      day.cells.map(number), h("td", {}, day.kind ? h("span", { class: "tag soft" }, day.kind) : null, " ", flags(day.flags.filter((each) => !free || each.flag !== "unplanned")))), inside];
  }

  const act = (says, about, onclick) => me.may("correct") ? h("button", { class: "quiet", "aria-label": `${says}: ${about}`, onclick }, says) : null;

  function details(day) {
    const plan = day.planned.map((span) => span.join("–")).join(", "), done = () => again(day.day);
    return [
      h("p", { class: "soft" }, plan ? `Planned ${plan}, by the ${day.rostered ? "roster" : "shift"}.` : "Nothing is planned.", day.length_hours === 24 ? "" : ` The clock changes: this day has ${day.length_hours} hours.`),
      h("ul", { class: "punches" }, day.punches.map((each) => punch(each, done))),
      told.enrolled ? act("Add a punch", dayName(day.day), () => correct(told, day, null, done)) : null];
  }

  function punch(each, done) {
    const { counts, made } = each, was = h("s", {}, made.says);
    return h("li", { data: { punch: each.id } }, counts ? h("strong", {}, counts.says) : [was, " does not count"], counts && counts.says !== made.says ? [" was ", was] : null,
      " ", h("small", {}, each.how), act("Correct", (counts ?? made).says, () => correct(told, null, each, done)),
      h("ul", {}, each.said.map((one) => {
        const text = `${one.says} — ${one.by}, ${dayName(one.made.slice(0, 10))} ${one.made.slice(11, 16)}${one.why ? `: ${one.why}` : ""}`;
        return h("li", {}, one.stands ? [text, act("Take back", text, () => takeBack(one.id, done))] : [h("s", {}, text), " taken back"]);
      })));
  }

  // A square a day, a column a week, Monday first
  function year() {
    const which = told.month.slice(0, 4), place = h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "The year" }), first = Date.parse(`${which}-01-01`);
    const draw = async () => {
      const { days, months } = await get(`attendance/year?${new URLSearchParams({ year: which, person: who })}`);
      put(place, h("svg", { class: "heat", viewBox: "0 0 648 84", role: "img", "aria-label": `The balance of each day of ${which}; of the months in the table` }, days.map(([day, over, [worked, balance]]) => {
        const at = Math.round((Date.parse(day) - first) / 864e5) + ((new Date(first).getUTCDay() + 6) % 7);
        return h("rect", { class: over < 0 ? "bad" : "good", x: 12 * Math.floor(at / 7), y: 12 * (at % 7), width: 10, height: 10, style: { "fill-opacity": Math.min(1, 0.2 + Math.abs(over) / 14400) } }, h("title", {}, `${dayName(day)}: ${worked}, ${balance}`));
      })), table(["Month", "#Worked", "#Balance"], months.map(([day, ...cells]) => h("tr", {}, h("td", {}, dayName(day, { month: "long" })), cells.map(number)))));
    };
    return h("details", { class: "card", ontoggle: (event) => event.target.open && draw().catch((error) => note(error.message, "wrong")) }, h("summary", {}, `The year ${which}`), place);
  }

  await load();
}
