// Who may where: groups down, doors across, and in which schedules.
import { dialog, h, put } from "/admin/dom.js";
import { asked, button, nameField, names, schedules } from "/admin/views/rules/draft.js";

const more = new Set(); // groups that were added here and have nobody and no grant yet

const people = (count) => count === 1 ? "1 person" : `${count} people`;

export function show(place, draft) {
  const label = (name, every) => name === "*" ? every : name;
  return function draw() {
    const always = draft.forms.always, grants = draft.told.book.grants ?? [];
    const groups = ["*", ...[...new Set([...draft.told.groups, ...Object.keys(draft.sizes), ...more])].sort()];
    const doors = ["*", ...new Set([...names(draft, "doors")])];
    const at = (group, door) => [...new Set(grants.filter((each) => each.groups.includes(group) && each.doors.includes(door)).map((each) => each.schedule ?? always))];
    const cell = (group, door) => {
      const now = at(group, door);
      return h("td", {}, button(now.join(", ") || "–", () => change(group, door, now), { class: now.length ? "granted" : "quiet", data: { focus: `${group}/${door}` }, "aria-label": `${label(group, "everybody")} at ${label(door, "every door")}: ${now.join(", ") || "no"}` }));
    };
    put(place, h("section", { class: "card" }, h("h2", {}, "Who may"), h("p", { class: "soft" }, "Grants add up: what holds for everybody and for every door holds beside the others. People are put into groups in the view People."),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Groups and doors" }, h("table", { class: "matrix" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Group"), doors.map((door) => h("th", { scope: "col" }, label(door, "every door"))))),
        h("tbody", {}, groups.map((group) => h("tr", {}, h("th", { scope: "row" }, label(group, "everybody"), " ", group === "*" ? null : h("small", {}, people(draft.sizes[group] ?? 0))), doors.map((door) => cell(group, door))))))),
      h("p", {}, button("Another group…", add))));
  };
  async function change(group, door, now) {
    const form = await dialog(`${label(group, "Everybody")} at ${label(door, "every door")}`, h("fieldset", {}, h("legend", {}, "In the schedules"), schedules(draft).map((name) =>
      h("p", {}, h("label", {}, h("input", { type: "checkbox", name: "schedule", value: name, checked: now.includes(name) }), ` ${name}`)))), { yes: "Done" });
    if (form) await draft.tried(() => draft.edit({ edit: "grant", group, door, schedules: form.getAll("schedule") }));
  }
  async function add() {
    await asked("Another group", [nameField()], "Add", (form) => { more.add(form.get("name").trim()); return draft.look(draft.year); });
  }
}
