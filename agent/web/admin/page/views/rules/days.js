// Special days: how each is found, and which days of a year they are.
import { field, h, put } from "/admin/dom.js";
import { asked, button, nameField, quiet } from "/admin/views/rules/draft.js";

const WAYS = [["date", "Days by date"], ["easter", "Days after Easter"], ["repeat", "A rule (RFC 5545)"]];

export function show(place, draft) {
  return function draw() {
    const days = draft.told.book.days ?? [];
    const act = (name, label, what) => quiet(name, what, { "aria-label": `${name} ${label}`, data: { focus: `${name}/${label}` } });
    put(place, h("div", { class: "columns" },
      h("section", { class: "card" }, h("div", { class: "bar" }, h("h2", {}, "Special days"), button("Add…", () => change(null), { class: "main" })),
        h("p", { class: "soft" }, "Of two on one day the one that stands first counts. What holds on them is said in the schedules."),
        days.length ? h("ul", { class: "lines" }, days.map((day, number) => h("li", {}, h("span", {}, h("strong", {}, day.name), ` ${day.kind ?? "holiday"}`, h("br"), h("small", {}, said(day))),
            h("span", { class: "acts" }, act("Change", day.name, () => change(number)), act("Remove", day.name, () => draft.tried(() => draft.edit({ edit: "drop", path: ["days", number] }))),
              number ? act("Up", day.name, () => draft.tried(() => draft.edit({ edit: "drop", path: ["days", number] }, { edit: "add", table: "days", value: day, at: number - 1 }))) : null)))) : h("p", { class: "empty" }, "None yet.")),
      h("section", { class: "card" }, year())));
  };

  async function change(number) {
    const day = number === null ? { kind: "holiday" } : draft.told.book.days[number];
    const way = h("select", { name: "way", id: "way", onchange: () => turn() }, WAYS.map(([value, name]) => h("option", { value, selected: value === "easter" ? "easter" in day : value === "repeat" && "repeat" in day }, name)));
    const kinds = h("datalist", { id: "kinds" }, draft.told.kinds.map((kind) => h("option", { value: kind })));
    const text = (label, name, help, more = {}) => { const row = field(label, { name, value: day[name] ?? "", autocomplete: "off", ...more }, help); row.dataset.way = more.ways ?? ""; return row; };
    const rows = [text("Date", "date", "12-25 of every year, or 2026-12-25 once. With a rule: the day that it counts from.", { ways: "date repeat" }),
      text("Last day", "to", "Included. Empty: that day alone.", { ways: "date" }),
      text("Days after Easter Sunday", "easter", "1 is Easter Monday, -2 Good Friday, 39 Ascension.", { ways: "easter", type: "number" }),
      h("p", { data: { way: "easter" } }, h("label", {}, h("input", { type: "checkbox", name: "orthodox", checked: day.orthodox ?? false }), " Orthodox Easter")),
      text("Rule", "repeat", "As in FREQ=MONTHLY;BYDAY=-1FR, the last Friday of each month.", { ways: "repeat" })];
    const turn = () => rows.forEach((row) => { row.hidden = !row.dataset.way.split(" ").includes(way.value); });
    turn();
    await asked("Special day", [nameField(day.name), text("Kind", "kind", "The word that schedules use.", { required: true, list: "kinds" }), kinds,
      h("p", { class: "field" }, h("label", { for: "way" }, "Which days"), way), ...rows], "Done", (form) => {
      const made = { name: form.get("name").trim(), kind: form.get("kind").trim() }, ways = { date: ["date", "to"], easter: ["easter"], repeat: ["date", "repeat"] }[form.get("way")];
      for (const name of ways) if (form.get(name).trim()) made[name] = name === "easter" ? Number(form.get(name)) : form.get(name).trim();
      if (form.get("way") === "easter" && form.get("orthodox")) made.orthodox = true;
      return draft.edit(number === null ? { edit: "add", table: "days", value: made } : { edit: "put", path: ["days", number], value: made });
    });
  }
  function said({ date, to, easter, orthodox, repeat }) {
    const sunday = `${orthodox ? "Orthodox " : ""}Easter Sunday`, far = Math.abs(easter), once = /^\d{4}-/.test(date);
    if (easter !== undefined) return far ? `${far} ${far === 1 ? "day" : "days"} ${easter < 0 ? "before" : "after"} ${sunday}` : sunday;
    const told = (each) => new Date(`${each.length < 6 ? `2024-${each}` : each}T12:00Z`).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC", ...(each.length < 6 ? {} : { year: "numeric" }) });
    return repeat ? `${repeat}${date ? ` from ${told(date)}` : ""}` : `${told(date)}${to ? ` to ${told(to)}` : ""}${once ? "" : ", every year"}`;
  }

  function year() {
    const shown = draft.year, special = new Map(draft.told.year.map((each) => [each.date, each]));
    const month = (number) => {
      const first = (new Date(Date.UTC(shown, number, 1)).getUTCDay() + 6) % 7, count = new Date(Date.UTC(shown, number + 1, 0)).getUTCDate();
      const cells = [...Array(first).fill(null), ...Array(count).keys()].map((each) => each === null ? h("i", {}) : cell(`${shown}-${String(number + 1).padStart(2, "0")}-${String(each + 1).padStart(2, "0")}`, each + 1));
      return h("div", { class: "month" }, h("b", {}, new Date(Date.UTC(shown, number, 1)).toLocaleDateString(undefined, { month: "short", timeZone: "UTC" })), cells);
    };
    const cell = (date, number) => h("i", { class: special.has(date) ? `special k${draft.told.kinds.indexOf(special.get(date).kind) % 4}` : "", title: special.get(date)?.name }, String(number));
    const turn = (to) => draft.tried(() => draft.look(to));
    const [low, high] = draft.forms.years;
    return [h("div", { class: "bar" }, h("h2", {}, `The year ${shown}`),
      button("Before", () => turn(shown - 1), { data: { focus: "before" }, disabled: shown <= low }), button("After", () => turn(shown + 1), { data: { focus: "after" }, disabled: shown >= high })),
      h("div", { class: "year", "aria-hidden": "true" }, [...Array(12).keys()].map(month)),
      h("ul", {}, draft.told.year.map(({ date, name, kind }) => h("li", {}, `${new Date(`${date}T12:00Z`).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" })}: ${name} `, h("small", {}, kind))))];
  }
}
