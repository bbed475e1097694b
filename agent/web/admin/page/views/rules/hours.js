// Working hours: how punches are typed and counted, and shifts. What is rarer is written in the text.
import { field, h, put } from "/admin/dom.js";
import { PUNCHES } from "/admin/words.js";
import { cards, form, said } from "/admin/views/rules/form.js";
import { asked, button, names, quiet } from "/admin/views/rules/draft.js";

export function show(place, draft) {
  const { defaults, choices } = draft.forms;
  const counting = [
    ["enabled", "Punches are recorded", "yes"], ["breaks_paid", "Breaks are paid", "yes"],
    ["terminals", "Doors that are time clocks", "names", "* is every door."], ["type_by", "What a punch is, by", said(choices.type_by, PUNCHES)],
    ["repeat_seconds", "Closer punches are one, seconds", "number"], ["day_starts", "The day starts at", "text"], ["longest_hours", "Forgotten to punch out after hours", "number"],
    ["overtime_daily_minutes", "Overtime beyond, minutes a day", "number"], ["overtime_weekly_minutes", "Overtime beyond, minutes a week", "number"],
  ];
  const shifts = [["schedule", "Works in", "schedules"], ["break_minutes", "Unpaid break, minutes", "number"], ["late_minutes", "Not late yet, minutes", "number"], ["early_minutes", "Not early yet, minutes", "number"]];
  const set = (...edits) => draft.tried(() => draft.edit(...edits));
  async function work(number, row) {
    await asked("Who works it", [field("Groups", { name: "groups", value: row.groups.join(", "), required: true, autocomplete: "off" }, "With commas between them."),
      field("Shift", { tag: "select", name: "shift", value: row.shift, options: names(draft, "shifts").map((each) => [each, each]) })], "Done", (told) => {
      const value = { groups: told.get("groups").split(",").map((each) => each.trim()).filter(Boolean), shift: told.get("shift") };
      return draft.edit(number === null ? { edit: "add", table: "work", value } : { edit: "put", path: ["work", number], value });
    });
  }
  return () => {
    const there = draft.told.book.attendance, rows = draft.told.book.work ?? [];
    put(place, h("h2", {}, "Working hours"), h("section", { class: "card" }, there ? form(draft, ["attendance"], counting, defaults.attendance)
      : [h("p", {}, "Nobody punches: the rules have no working hours."), button("Record punches", () => set({ edit: "put", path: ["attendance"], value: { enabled: true } }))]),
    h("h2", {}, "Shifts"), cards(draft, "shifts", shifts, { break_minutes: 0, late_minutes: 0, early_minutes: 0 }, { schedule: names(draft, "schedules")[0] ?? draft.forms.always }),
    h("h2", {}, "Who works which"), h("p", { class: "soft" }, "The first that fits a person counts."),
    h("ol", {}, rows.map((row, number) => h("li", {}, `${row.groups.join(", ")}: ${row.shift} `,
      quiet("Change", () => work(number, row)), quiet("Remove", () => set({ edit: "drop", path: ["work", number] }))))),
    names(draft, "shifts").length ? button("Add…", () => work(null, { groups: [], shift: "" })) : null);
  };
}
