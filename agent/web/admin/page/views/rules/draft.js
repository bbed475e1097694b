// The draft: a text that is not in force. Every change is made by the device, which keeps comments and says what is wrong.
import { ask, get, post } from "/admin/api.js";
import { dialog, field, h, refused } from "/admin/dom.js";

let past = []; // what the draft was before each change, to be undone
let kept_for = ""; // whose the draft is: who signs in next in this tab does not see it

let made = Promise.resolve(); // the last change that was asked for, of whichever draft: another part of the page opens one of its own
// Resolves once all that was asked for until now is made or refused
const settled = () => made.catch(() => {});

export async function open(account, changed) {
  await settled();
  const force = await get("rules"), KEPT = `latchkey-rules/${account}`;
  if (kept_for !== account) past = [];
  kept_for = account;
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  const draft = {
    force, year: force.year, forms: force.forms, here: force.here, sizes: force.groups,
    base: kept?.base ?? force.version, text: kept?.text ?? force.text, edits: kept?.edits ?? [],
    get undoable() { return past.length > 0; },
    get dirty() { return this.text !== this.force.text; },
    // Somebody else was quicker: the draft is made of another version than the one in force
    get stale() { return this.dirty && this.base !== this.force.version; },

    // What changes the draft does so in its turn, each in what the one before has made of it
    inTurn(change) { return made = settled().then(change); },
    settled,
    drafted(text, edits, year = this.year) { return post("rules/draft", { text, edits, year }); },
    // Has changes made in the draft; throws a Refusal with all that is wrong, and nothing is changed
    edit(...edits) {
      return this.inTurn(async () => {
        const told = await this.drafted(this.text, edits);
        if (told.text === this.text) return changed();
        this.past();
        const same = this.edits?.at(-1)?.edit === "put" && edits[0].edit === "put" && String(this.edits.at(-1).path) === String(edits[0].path);
        this.edits = this.edits && [...this.edits.slice(0, same ? -1 : undefined), ...edits];
        this.take(told);
      });
    },
    replace(text) {
      return this.inTurn(async () => {
        const told = await this.drafted(text, []);
        this.past();
        this.edits = null; // cannot be made again in another text
        this.take(told);
      });
    },
    past() { past = [...past.slice(-49), { text: this.text, edits: this.edits }]; },
    undo() {
      return this.inTurn(async () => {
        if (!past.length) return; // pressed twice
        const { text, edits } = past.at(-1), told = await this.drafted(text, []);
        past = past.slice(0, -1);
        this.edits = edits;
        this.take(told);
      });
    },
    look(year) {
      return this.inTurn(async () => {
        const told = await this.drafted(this.text, [], year);
        this.year = year;
        this.take(told);
      });
    },
    // The same changes in the text that is in force now
    again() {
      return this.inTurn(async () => {
        const told = await this.drafted(this.force.text, this.edits);
        this.base = this.force.version;
        this.take(told);
      });
    },
    // Keeps the draft as it is, in the place of what somebody else has done
    mine() { this.base = this.force.version; this.keep(); changed(); },
    drop() { return this.inTurn(() => this.anew()); },
    async anew() {
      Object.assign(this, { text: this.force.text, base: this.force.version, edits: [] });
      past = [];
      this.take(await this.drafted(this.text, []));
    },
    save() {
      return this.inTurn(async () => {
        try {
          await ask("rules_apply", { text: this.text, expect: this.base });
        } catch (error) {
          if (error.code === "rules_changed") await this.meanwhile();
          throw error;
        }
        const { text } = this;
        await this.meanwhile();
        if (this.force.text === text) await this.anew();
      });
    },
    async meanwhile() { this.force = await get("rules"); changed(); },
    take(told) { Object.assign(this, { told, text: told.text }); this.keep(); changed(); },
    keep() {
      if (!this.dirty) Object.assign(this, { base: this.force.version, edits: [] });
      if (this.dirty) sessionStorage.setItem(KEPT, JSON.stringify({ base: this.base, text: this.text, edits: this.edits }));
      else sessionStorage.removeItem(KEPT);
    },
  };
  await draft.look(draft.year).catch((error) => {
    if (error.code !== "bad_rules" || !draft.dirty) throw error;
    return draft.drop(); // rules that this version does not take any more
  });
  return draft;
}

export const button = (name, onclick, more = {}) => h("button", { type: "button", onclick, ...more }, name);
export const quiet = (name, onclick, more = {}) => button(name, onclick, { class: "quiet", ...more });
export const nameField = (value = "", help = "", label = "Name") => field(label, { name: "name", value, required: true, maxlength: 64, autocomplete: "off" }, help);
export const names = (draft, table) => Object.keys(draft.told.book[table] ?? {});
// What is wrong, told by the device: "line 3: [[days]] easter = -99: want ..."; `at` is whichever of the fields it is about
export const wrong = (error, fields, usual) => {
  const key = /\]\]? (\w+)(?=:| =)/.exec(error.message)?.[1];
  return { at: fields.find(({ control }) => [control.name, control.dataset.key].includes(key)) ?? usual, why: error.message.replace(/^line \d+: (\[+[^\]]*\]+ )?/gm, "") };
};
// Asks until the device takes it or nobody wants it any more: what was typed stays, and why not stands at its field
export async function asked(title, rows, yes, change) {
  const fields = rows.filter((row) => row?.control);
  for (let form; (form = await dialog(title, rows, { yes }));) {
    try {
      await change(form);
      return form;
    } catch (error) {
      if (error.status === 401) return null;
      if (error.status === undefined && !(error instanceof Taken)) throw error; // ours, not the device's
      const { at, why } = wrong(error, fields, fields[0]);
      fields.forEach((row) => { refused(row, row === at ? why : ""); row.control.autofocus = row === at; });
    }
  }
  return null;
}
class Taken extends Error {}
// Asks for the name of a table of the rules: a new one, or another one
export async function named(draft, table, title, value, yes, edit) {
  const said = (form) => form.get("name").trim();
  const form = await asked(title, [nameField(value)], yes, async (told) => {
    if (said(told) !== value && names(draft, table).includes(said(told))) throw new Taken(`There is ${said(told)} already: choose another name.`);
    await draft.edit(edit(said(told)));
  });
  return form && said(form);
}
const KINDS = { doors: "door", shifts: "shift", grants: "grant", work: "who works" };
// What uses something: "grants.0.doors.0" is grant 1
export const users = (paths) => [...new Set(paths.map((path) => path.replace(/^(\w+)\.([^.]+).*/, (_, table, name) => `${KINDS[table] ?? table} ${/^\d+$/.test(name) ? Number(name) + 1 : name}`)))].join(", ");
export const schedules = (draft) => [draft.forms.always, ...names(draft, "schedules")];
