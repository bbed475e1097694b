// A table of the rules as a form: each key with its word, what holds where it is not written, and a way to set it.
import { field, h, refused } from "/admin/dom.js";
import { lower } from "/admin/words.js";
import { button, named, names, schedules, users, wrong } from "/admin/views/rules/draft.js";

// fields: [key, label, kind, help]; kinds: "yes", "number", "text", "names" (comma-separated), a list of words with what
// they mean, or what is named by the rules: "schedules", "zones"
export function form(draft, path, fields, defaults) {
  const at = path.reduce((table, key) => table?.[key], draft.told.book) ?? {};
  const waiting = new Map(); // what was chosen and is taken only together with something else
  async function set(key, value) {
    waiting.set(key, { edit: "put", path: [...path, key], value });
    await draft.tried(() => draft.edit(...waiting.values()), (error) => {
      const all = rows.filter((row) => row.control), { at: row, why } = wrong(error, all, rows[fields.findIndex(([name]) => name === key)]);
      all.forEach((each) => refused(each, each === row ? why : ""));
    });
  }
  const rows = fields.map(([key, label, kind, help]) => {
    const now = at[key], usual = defaults[key], data = { focus: [...path, key].join("/"), key };
    if (kind === "yes") return h("p", {}, h("label", {}, h("input", { type: "checkbox", checked: now ?? usual, data, onchange: (event) => set(key, event.target.checked) }), ` ${label}`));
    const words = Array.isArray(kind) ? kind : { schedules: schedules(draft), zones: names(draft, "zones") }[kind]?.map((each) => [each, each]);
    if (words) {
      const none = usual === null || usual === undefined ? "none" : `${meant(words, usual)} (by default)`;
      const options = [["\u0000", none], ...(kind === "zones" ? [["", "outside"]] : []), ...words];
      return field(label, { tag: "select", options, value: now ?? "\u0000", data, onchange: (event) => set(key, event.target.value === "\u0000" ? null : event.target.value) }, help);
    }
    const many = kind === "names", shown = (value) => many ? (value ?? []).join(", ") : String(value ?? "");
    const read = (text) => text === "" ? null : many ? text.split(",").map((each) => each.trim()).filter(Boolean) : kind === "number" ? Number(text) : text;
    return field(label, { value: shown(now), placeholder: shown(usual) || "none", type: kind === "number" ? "number" : "text", step: "any", autocomplete: "off", data, onchange: (event) => set(key, read(event.target.value.trim())) }, help);
  });
  return h("div", { class: "columns fields" }, rows);
}

// All tables of a kind, one card each, with what one can do to a whole one
export function cards(draft, table, fields, defaults, make = {}) {
  const name = (title, value, edit) => named(draft, table, title, value, "Done", edit);
  const used = (each) => draft.told.used[table]?.[each] ?? [];
  return [names(draft, table).map((each) => h("details", { class: "card", open: opened.has(`${table}/${each}`), ontoggle: (event) => opened[event.target.open ? "add" : "delete"](`${table}/${each}`) },
    h("summary", {}, h("strong", {}, each), h("span", { class: "soft" }, ` ${brief(draft.told.book[table][each], fields)}`)), form(draft, [table, each], fields, defaults),
    h("p", { class: "bar" }, button("Rename…", () => name(`Rename ${each}`, each, (to) => ({ edit: "rename", table, name: each, to }))),
      button("Remove", () => draft.tried(() => draft.edit({ edit: "drop", path: [table, each] })), { disabled: used(each).length > 0 }),
      used(each).length ? h("span", { class: "soft" }, `Used by ${users(used(each))}`) : null))),
  h("p", {}, button(`Add a ${table.slice(0, -1)}…`, () => name(`New ${table.slice(0, -1)}`, "", (to) => ({ edit: "put", path: [table, to], value: make }))))];
}
const opened = new Set();
const meant = (words, word) => words?.find(([each]) => each === word)?.[1] ?? word;
const brief = (table, fields) => Object.entries(table).slice(0, 4).map(([key, value]) => {
  const [, label, kind] = fields.find(([name]) => name === key) ?? [key, key];
  const told = Array.isArray(kind) ? lower(meant(kind, value)) : typeof value === "object" ? Object.keys(value).length : value === "" ? "outside" : value;
  return `${lower(label)}: ${told}`;
}).join(", ");
// The words that the device has, each with what it means
export const said = (choices, words) => choices.map((word) => [word, words[word] ?? word]);
