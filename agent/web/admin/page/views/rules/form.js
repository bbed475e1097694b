// A table of the rules as a form: each key with its word, what holds where it is not written, and a way to set it.
import { field, h } from "/admin/dom.js";
import { askName, button, names, schedules } from "/admin/views/rules/draft.js";

// fields: [key, label, kind, help]; kinds: "yes", "number", "text", "names" (comma-separated), a list of words, or what is
// named by the rules: "schedules", "zones"
export function form(draft, path, fields, defaults) {
  const at = path.reduce((table, key) => table?.[key], draft.told.book) ?? {};
  const rows = fields.map(([key, label, kind, help]) => {
    const now = at[key], usual = defaults[key], focus = { focus: [...path, key].join("/") };
    const set = (value) => draft.tried(() => draft.edit({ edit: "put", path: [...path, key], value }));
    if (kind === "yes") return h("p", {}, h("label", {}, h("input", { type: "checkbox", checked: now ?? usual, data: focus, onchange: (event) => set(event.target.checked) }), ` ${label}`));
    const words = Array.isArray(kind) ? kind : { schedules: schedules(draft), zones: names(draft, "zones") }[kind];
    if (words) {
      const none = usual === null || usual === undefined ? "none" : `${usual} (default)`;
      const options = [["\u0000", none], ...(kind === "zones" ? [["", "outside"]] : []), ...words.map((word) => [word, word])];
      return field(label, { tag: "select", options, value: now ?? "\u0000", data: focus, onchange: (event) => set(event.target.value === "\u0000" ? null : event.target.value) }, help);
    }
    const many = kind === "names", shown = (value) => many ? (value ?? []).join(", ") : String(value ?? "");
    const read = (text) => text === "" ? null : many ? text.split(",").map((each) => each.trim()).filter(Boolean) : kind === "number" ? Number(text) : text;
    return field(label, { value: shown(now), placeholder: shown(usual) || "none", type: kind === "number" ? "number" : "text", step: "any", autocomplete: "off", data: focus, onchange: (event) => set(read(event.target.value.trim())) }, help);
  });
  return h("div", { class: "columns fields" }, rows);
}

// All tables of a kind, one card each, with what one can do to a whole one
export function cards(draft, table, fields, defaults, make = {}) {
  const name = async (title, value, edit) => {
    const to = await askName(title, value, "Done");
    if (to) await draft.tried(() => draft.edit(edit(to)));
  };
  const said = (each) => draft.told.used[table]?.[each] ?? [];
  return [names(draft, table).map((each) => h("details", { class: "card", open: opened.has(`${table}/${each}`), ontoggle: (event) => opened[event.target.open ? "add" : "delete"](`${table}/${each}`) },
    h("summary", {}, h("strong", {}, each), h("span", { class: "soft" }, ` ${brief(draft.told.book[table][each], fields)}`)), form(draft, [table, each], fields, defaults),
    h("p", { class: "bar" }, button("Rename…", () => name(`Rename ${each}`, each, (to) => ({ edit: "rename", table, name: each, to }))),
      button("Remove", () => draft.tried(() => draft.edit({ edit: "drop", path: [table, each] })), { disabled: said(each).length > 0 }),
      said(each).length ? h("span", { class: "soft" }, `Used by ${said(each).join(", ")}`) : null))),
  h("p", {}, button(`Add a ${table.slice(0, -1)}…`, () => name(`New ${table.slice(0, -1)}`, "", (to) => ({ edit: "put", path: [table, to], value: make }))))];
}
const opened = new Set();
const brief = (table, fields) => Object.entries(table).slice(0, 4).map(([key, value]) => `${(fields.find(([name]) => name === key)?.[1] ?? key).toLowerCase()}: ${typeof value === "object" ? Object.keys(value).length : value === "" ? "outside" : value}`).join(", ");
