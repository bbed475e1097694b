// Schedules: one of them on the week grid, and the same as fields.
import { h, put } from "/admin/dom.js";
import { button, named, names, quiet, users } from "/admin/views/rules/draft.js";
import { grid, known } from "/admin/views/rules/week.js";
import { DAYS } from "/admin/views/rules.js";

const KEYS = ["daily", "mon-fri", "sat-sun", ...Object.keys(DAYS)];

export function show(place, draft, [chosen]) {
  const go = (name) => { location.hash = `#/rules/schedules/${encodeURIComponent(name)}`; };
  async function make(like = { "mon-fri": ["08:00-17:00"] }) {
    const name = await named(draft, "schedules", "New schedule", "", "Add", (to) => ({ edit: "put", path: ["schedules", to], value: like }));
    if (name) go(name);
  }
  async function rename(name) {
    const to = await named(draft, "schedules", `Rename ${name}`, name, "Rename", (other) => ({ edit: "rename", table: "schedules", name, to: other }));
    if (to) go(to);
  }
  const remove = (name) => draft.tried(() => draft.edit({ edit: "drop", path: ["schedules", name] }));

  return function draw() {
    const all = names(draft, "schedules"), name = all.includes(chosen) ? chosen : all[0];
    const list = h("nav", { class: "bar", "aria-label": "Schedules" }, all.map((each) =>
      h("a", { class: "button", href: `#/rules/schedules/${encodeURIComponent(each)}`, "aria-current": each === name && "page" }, each)),
      button("New schedule…", () => make()));
    if (!name) return put(place, list, h("p", { class: "empty" }, `There is no schedule yet but "${draft.forms.always}", which is every minute.`));
    const week = draft.told.weeks[name], uses = draft.told.used.schedules[name];
    const change = (key, periods) => draft.tried(() => draft.edit({ edit: "put", path: ["schedules", name, key], value: periods }));
    put(place, list, h("section", { class: "card" },
      h("div", { class: "bar" }, h("h2", {}, name),
        button("Rename…", () => rename(name)), button("Copy…", () => make(draft.told.book.schedules[name])), button("Remove", () => remove(name), { disabled: uses.length > 0 })),
      h("p", { class: "soft" }, uses.length ? `Used by ${users(uses)}` : "Used by nothing yet."),
      grid(week, change, (day, key) => change(day, week.keys[key])),
      fields(week, change)));

    function fields({ keys, days }, change) {
      const free = [...KEYS, ...draft.told.kinds].filter((key) => !(key in keys));
      const more = h("select", { "aria-label": "Days to add", data: { focus: "more" } }, free.map((key) => h("option", {}, key)));
      return [h("h3", {}, "As fields"), h("div", {}, Object.entries(keys).map(([key, periods]) => row(key, periods, Object.keys(DAYS).filter((_, number) => days[number] === key)))),
        h("p", { class: "bar" }, more, button("Add days", () => change(more.value, []), { data: { focus: "add" } }))];
    }
    function row(key, periods, on) {
      const box = h("div", { class: "periods", role: "group", "aria-label": key, data: { row: key } });
      const changed = () => change(key, [...box.querySelectorAll("[data-period]")].map((pair) => [...pair.querySelectorAll("input")].map((each) => each.value.trim()).join("-")));
      const time = (value, what, number) => h("input", { value, "aria-label": `${key}, period ${number + 1}, ${what}`, size: 5, maxlength: 5, inputmode: "numeric", placeholder: "00:00", data: { focus: `${what}/${key}/${number}` }, onchange: changed });
      const holds = known(key) ? on.map((day) => DAYS[day]).join(" ") || "on no day: narrower ones hold" : "special days";
      put(box, h("strong", {}, key), h("small", {}, known(key) && on.length === 1 && on[0] === key ? "" : holds),
        periods.map((period, number) => h("span", { class: "pair", data: { period: number } }, time(period.slice(0, 5), "from", number), "–", time(period.slice(6), "to", number),
          quiet("×", () => change(key, periods.filter((_, each) => each !== number)), { "aria-label": `Remove ${period}`, data: { next: `new/${key}` } }))),
        periods.length ? null : h("em", {}, "closed"),
        quiet("+ period", () => change(key, [...periods, periods.length ? next(periods.at(-1)) : "08:00-17:00"]), { data: { focus: `new/${key}` }, "aria-label": `+ period, ${key}` }),
        quiet("Take away", () => change(key, null), { "aria-label": `Take away ${key}`, data: { next: "more" } }));
      return box;
    }
  };
}

// After the last one, an hour long
function next(period) {
  const from = Math.min(Number(period.slice(6, 8)) + 1, 22);
  return `${String(from).padStart(2, "0")}:00-${String(from + 1).padStart(2, "0")}:00`;
}
