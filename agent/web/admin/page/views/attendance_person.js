// The month of one person: the days, their punches as made and as they count, and correcting them.
import { get } from "/admin/api.js";
import { h, note, put } from "/admin/dom.js";
import { addPunch, correct, takeBack } from "/admin/views/attendance_correct.js";
import { at, balance, dayName, flags, hm, months, scroll, tabs } from "/admin/views/attendance_parts.js";

const TYPES = { in: "in", out: "out", break_start: "break begins", break_end: "break ends" };

export async function show(place, me, [who, month = ""]) {
  const open = new Set();
  let told = null, wide = false;

  async function load(focus) {
    told = await get(`attendance/month?month=${month}&person=${encodeURIComponent(who)}`);
    if (!told.days.some((day) => day.day === focus)) focus = null;
    draw();
    if (focus) place.querySelector(`[data-day="${focus}"] button`).focus();
  }

  function draw() {
    wide = told.days.some((day) => day.planned.length);
    const about = [told.name === told.person ? "" : told.person, told.shift ? `shift ${told.shift}` : "", told.enrolled ? "" : "not enrolled"].filter(Boolean);
    put(place, h("h1", {}, told.name), tabs("", told.month), months(told.month, `#/attendance/person/${who}`, told.kinds, who),
      h("section", { class: "card" },
        h("p", { class: "soft" }, [...about, `times are those of ${told.zone}`].join(" · ")),
        h("dl", { class: "sums" }, sums().map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
        scroll("The days", h("table", { class: "days" },
          h("thead", {}, h("tr", {}, h("th", {}, "Day"), h("td", { class: "lanes" }, axis()), ["Came", "Left", "Worked", "Breaks", wide ? "Balance" : null].map((name) => name && h("th", { class: "number" }, name)), h("th", {}, "Remarks"))),
          h("tbody", {}, told.days.map(rows))))),
      year());
  }

  function sums() {
    return [["Worked", hm(told.worked_seconds)], wide && ["Planned", hm(told.planned_seconds)], wide && ["Balance", balance(told.balance_seconds)],
      ["Breaks", hm(told.break_seconds + told.deducted_seconds)], told.overtime_seconds && ["Overtime", hm(told.overtime_seconds)],
      ...Object.entries(told.special).map(([kind, seconds]) => [kind, hm(seconds)]), ...Object.entries(told.jobs).map(([job, seconds]) => [`Job ${job}`, hm(seconds)])].filter(Boolean);
  }

  const axis = () => h("div", { class: "lane", "aria-hidden": "true" }, told.hours.map(([left, hour]) => h("span", { style: { left: `${left}%` } }, hour)));
  const lane = (day) => h("div", { class: "lane", "aria-hidden": "true" }, day.pieces.map((each) => h("i", { class: each.kind, title: each.says, style: { left: `${each.left}%`, width: `${each.width}%` } })));

  function rows(day) {
    const id = `d${day.day}`, shown = open.has(day.day), breaks = day.break_seconds + day.deducted_seconds;
    const free = day.kind || [0, 6].includes(new Date(`${day.day}T12:00Z`).getUTCDay());
    const toggle = () => { open[shown ? "delete" : "add"](day.day); draw(); place.querySelector(`[data-day="${day.day}"] button`).focus(); };
    return [
      h("tr", { class: free ? "free" : "", data: { day: day.day } },
        h("td", {}, h("button", { class: "quiet", "aria-expanded": String(shown), "aria-controls": id, onclick: toggle }, `${shown ? "▾" : "▸"} ${dayName(day.day, { weekday: "short", day: "numeric" })}`)),
        h("td", { class: "lanes" }, lane(day)),
        h("td", { class: "number" }, at(day.in, day.day)), h("td", { class: "number" }, day.out ? at(day.out, day.day) : day.in ? "…" : ""),
        h("td", { class: "number" }, day.worked_seconds ? hm(day.worked_seconds) : ""), h("td", { class: "number" }, breaks ? hm(breaks) : ""),
        wide ? h("td", { class: "number" }, day.settled && (day.planned.length || day.in) ? balance(day.balance_seconds) : "") : null,
        h("td", {}, day.kind ? [h("span", { class: "tag soft" }, day.kind), " "] : null, flags(day.flags.filter((each) => !(free && each.flag === "unplanned"))))),
      shown ? h("tr", { id, class: "opened" }, h("td", { colSpan: wide ? 8 : 7 }, details(day))) : null];
  }

  function details(day) {
    const plan = day.planned.map((span) => span.join("–")).join(", ");
    const length = day.length_hours === 24 ? "" : `The clock changes: this day has ${day.length_hours} hours.`;
    return [
      h("p", { class: "soft" }, plan ? `Planned ${plan}, ${day.rostered ? "by the roster" : "by the shift"}.` : "Nothing is planned.", day.overtime_seconds ? ` Overtime ${hm(day.overtime_seconds)}.` : "", day.deducted_seconds ? ` Break taken off ${hm(day.deducted_seconds)}.` : "", ` ${length}`),
      h("ul", { class: "punches" }, day.punches.map((each) => punch(each, day))),
      me.may("correct") && told.enrolled ? h("button", { onclick: () => addPunch(told, day, () => load(day.day)) }, "Add a punch") : null];
  }

  const offset = (wall, day) => day.length_hours === 24 ? "" : ` (${wall.slice(19)})`;
  const says = (each, day) => `${at(each.wall, day.day)}${each.wall.slice(16, 19) === ":00" ? "" : each.wall.slice(16, 19)}${offset(each.wall, day)} ${TYPES[each.type]}${each.job ? `, job ${each.job}` : ""}`;

  function punch(each, day) {
    const { counts, made } = each, changed = counts && (counts.wall !== made.wall || counts.type !== made.type || counts.job !== made.job);
    const how = each.added ? "added" : [made.device, made.key ? `key ${made.key}` : made.by && `by ${made.by.replace("_", " ")}`, made.clock === "synchronised" ? "" : `clock ${made.clock}`].filter(Boolean).join(", ");
    return h("li", { data: { punch: each.id } },
      counts ? h("strong", { class: "counts" }, says(counts, day)) : null, " ",
      changed || !counts ? h("span", { class: "made" }, counts ? "was " : "", h("s", {}, says(made, day)), counts ? "" : " does not count") : null,
      h("small", {}, ` ${how}${counts?.repeat ? ", a repeat: shown, not counted" : ""} `),
      me.may("correct") ? h("button", { class: "quiet", "aria-label": `Correct ${says(counts ?? made, day)}`, onclick: () => correct(told, each, () => load(day.day)) }, "Correct") : null,
      each.said.length ? h("ul", {}, each.said.map((one) => correction(one, each, day))) : null);
  }

  function correction(one, each, day) {
    const right = one.void ? "does not count" : [one.wall && at(one.wall, day.day), one.type && TYPES[one.type], one.job !== null && (one.job ? `job ${one.job}` : "no job")].filter(Boolean).join(" ");
    const text = `${right} — ${one.says}, ${dayName(one.made.slice(0, 10))} ${one.made.slice(11, 16)}: ${one.why}`;
    return h("li", {}, one.stands ? text : [h("s", {}, text), " taken back"], " ",
      one.stands && me.may("correct") ? h("button", { class: "quiet", "aria-label": `Take back: ${text}`, onclick: () => takeBack(one, () => load(day.day)) }, "Take back") : null);
  }

  function year() {
    const which = told.month.slice(0, 4), inside = h("div");
    const fetched = async () => {
      const found = await get(`attendance/year?year=${which}&person=${encodeURIComponent(who)}`);
      const { heat } = await import("/admin/views/attendance_year.js");
      put(inside, heat(which, found.days));
    };
    return h("details", { class: "card", ontoggle: (event) => event.target.open && !inside.firstChild && fetched().catch((error) => note(error.message, "wrong")) }, h("summary", {}, `The year ${which}`), inside);
  }

  await load();
}
