// Schedules: one of them on the week grid, and the same as fields.
import { dialog, field, h, put } from "/admin/dom.js";
import { names } from "/admin/views/rules/draft.js";
import { grid, known } from "/admin/views/rules/week.js";
import { DAYS } from "/admin/views/rules.js";

const KEYS = ["daily", "mon-fri", "sat-sun", ...Object.keys(DAYS)];

export function show(place, draft, [chosen]) {
  return function draw() {
    const all = names(draft, "schedules"), name = all.includes(chosen) ? chosen : all[0];
    const list = h("nav", { class: "bar", "aria-label": "Schedules" }, all.map((each) =>
      h("a", { class: "button", href: `#/rules/schedules/${encodeURIComponent(each)}`, "aria-current": each === name && "page" }, each)),
      h("button", { type: "button", onclick: () => make() }, "New schedule…"));
    if (!name) return put(place, list, h("p", { class: "empty" }, `There is no schedule yet but "${draft.forms.always}", which is every minute.`));
    const week = draft.told.weeks[name], uses = draft.told.used.schedules[name];
    const change = (key, periods) => draft.tried(() => draft.edit({ edit: "put", path: ["schedules", name, key], value: periods }));
    put(place, list, h("section", { class: "card" },
      h("div", { class: "bar" }, h("h2", {}, name),
        h("button", { type: "button", onclick: () => rename(name) }, "Rename…"),
        h("button", { type: "button", onclick: () => make(draft.told.book.schedules[name]) }, "Copy…"),
        h("button", { type: "button", onclick: () => remove(name), disabled: uses.length > 0 }, "Remove")),
      h("p", { class: "soft" }, uses.length ? `Used by ${uses.join(", ")}` : "Used by nothing yet."),
      grid(week, change, (day, key) => change(day, week.keys[key])),
      fields(week, change)));

    function fields({ keys, days }, change) {
      const free = [...KEYS, ...draft.told.kinds].filter((key) => !(key in keys));
      const more = h("select", { "aria-label": "Days to add", data: { focus: "more" } }, free.map((key) => h("option", {}, key)));
      return [h("h3", {}, "As fields"), h("div", {}, Object.entries(keys).map(([key, periods]) => row(key, periods, Object.keys(DAYS).filter((_, number) => days[number] === key)))),
        h("p", { class: "bar" }, more, h("button", { type: "button", data: { focus: "add" }, onclick: () => change(more.value, []) }, "Add days"))];
    }
    function row(key, periods, on) {
      const box = h("div", { class: "periods", role: "group", "aria-label": key, data: { row: key } });
      const changed = () => change(key, [...box.querySelectorAll("[data-period]")].map((pair) => [...pair.querySelectorAll("input")].map((each) => each.value.trim()).join("-")));
      const time = (value, what, number) => h("input", { value, "aria-label": `${key}, period ${number + 1}, ${what}`, size: 5, maxlength: 5, inputmode: "numeric", placeholder: "00:00", data: { focus: `${what}/${key}/${number}` }, onchange: changed });
      const holds = known(key) ? on.map((day) => DAYS[day]).join(" ") || "on no day: narrower ones hold" : "special days";
      put(box, h("strong", {}, key), h("small", {}, known(key) && on.length === 1 && on[0] === key ? "" : holds),
        periods.map((period, number) => h("span", { class: "pair", data: { period: number } }, time(period.slice(0, 5), "from", number), "–", time(period.slice(6), "to", number),
          h("button", { type: "button", class: "quiet", "aria-label": `Remove ${period}`, onclick: () => change(key, periods.filter((_, each) => each !== number)) }, "×"))),
        periods.length ? null : h("em", {}, "closed"),
        h("button", { type: "button", class: "quiet", data: { focus: `new/${key}` }, "aria-label": `Add a period to ${key}`, onclick: () => change(key, [...periods, periods.length ? next(periods.at(-1)) : "08:00-17:00"]) }, "+ period"),
        h("button", { type: "button", class: "quiet", "aria-label": `Take ${key} away`, onclick: () => change(key, null) }, "Take away"));
      return box;
    }
  };

  // After the last one, an hour long
  function next(period) {
    const from = Math.min(Number(period.slice(6, 8)) + 1, 22);
    return `${String(from).padStart(2, "0")}:00-${String(from + 1).padStart(2, "0")}:00`;
  }
  const ask = async (title, value, yes) => (await dialog(title, field("Name", { name: "name", value, required: true, maxlength: 64, autocomplete: "off" }), { yes }))?.get("name").trim();
  const go = (name) => { location.hash = `#/rules/schedules/${encodeURIComponent(name)}`; };
  async function make(like = { "mon-fri": ["08:00-17:00"] }) {
    const name = await ask("New schedule", "", "Add");
    if (!name) return;
    if (names(draft, "schedules").includes(name)) return draft.tried(() => { throw new Error(`There is a schedule ${name} already.`); });
    if (await draft.tried(() => draft.edit({ edit: "put", path: ["schedules", name], value: like }))) go(name);
  }
  async function rename(name) {
    const to = await ask(`Rename ${name}`, name, "Rename");
    if (to && await draft.tried(() => draft.edit({ edit: "rename", table: "schedules", name, to }))) go(to);
  }
  const remove = (name) => draft.tried(() => draft.edit({ edit: "drop", path: ["schedules", name] }));
}
