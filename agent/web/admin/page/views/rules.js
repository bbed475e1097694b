// The rules: a draft of them, seen in several ways, tried, and put in force.
import { dialog, h, note, put, when } from "/admin/dom.js";
import { post } from "/admin/api.js";
import { button, open } from "/admin/views/rules/draft.js";

export const title = "Rules";
const PARTS = [["schedules", "Schedules"], ["days", "Special days"], ["doors", "Doors"], ["grants", "Who may"], ["hours", "Working hours"], ["try", "Try"], ["text", "Text"], ["history", "History"]];

export async function show(place, me, rest) {
  const part = PARTS.some(([path]) => path === rest[0]) ? rest[0] : "schedules";
  const { show: part_of } = await import(`/admin/views/rules/${part}.js`);
  const bar = h("section", { class: "card rules-bar", "aria-label": "Draft" }), body = h("div", { class: "part", tabindex: -1 });
  const tabs = h("nav", { class: "bar tabs", "aria-label": "Parts of the rules" },
    PARTS.map(([path, name]) => h("a", { class: "button", href: `#/rules/${path}`, "aria-current": path === part && "page" }, name)));
  put(place, h("h1", {}, title), tabs, bar, body);
  const state = h("strong", { role: "status" });
  let draft = null, redraw = () => {};
  // What is drawn anew keeps the focus where it was: what can have it is named by data-focus, and by data-next what has it once that is gone
  const draw = () => {
    const held = document.activeElement, { focus: name, next: other } = held?.dataset ?? {}, inside = body.contains(held);
    redraw();
    if (!inside || body.contains(held)) return;
    const next = [name, other].map((each) => each && body.querySelector(`[data-focus="${CSS.escape(each)}"]`)).find(Boolean) ?? body;
    next.focus({ preventScroll: true });
    if (next.tagName !== "INPUT" || next.type !== "text") return;
    if (held.value === held.defaultValue) next.select();
    else next.value = held.value; // typed meanwhile
  };
  draft = await open(me.name, () => { if (draft) { say(); draw(); } });
  draft.me = me;
  // What a part does, with what the device refuses said once: true where it was done
  draft.tried = async (change, refused = (error) => { note(error.message, "wrong"); draw(); }) => {
    try {
      await change();
      return true;
    } catch (error) {
      if (error.status === undefined) throw error; // ours, not the device's
      if (error.status !== 401) refused(error);
      return false;
    }
  };
  redraw = part_of(body, draft, rest.slice(1)) ?? redraw;
  say();
  draw();

  function say() {
    const { force, dirty, stale } = draft, may = me.may("rules_apply"), lines = draft.told.difference.filter((each) => each.kind === "new" || each.kind === "gone").length;
    const act = (name, what, kind = "") => button(name, () => draft.tried(what), { class: kind });
    const held = bar.contains(document.activeElement) && document.activeElement.textContent;
    put(bar,
      h("p", { class: "soft" }, force.version ? `Version ${force.version} is in force since ${when(force.at)}, by ${force.by}.` : "No rules were ever given: everybody who is enrolled may, at any time."),
      stale ? h("div", { role: "alert" }, h("p", { class: "warn" }, `Somebody else has put version ${force.version} in force meanwhile. Your draft is still here, made from version ${draft.base}.`),
        h("p", { class: "bar" }, draft.edits?.length ? act("Make my changes in theirs", () => draft.again()) : null,
          act("Keep mine as it is", () => draft.mine()), act("What differs", difference))) : null,
      h("p", { class: "bar" }, put(state, dirty ? `Draft: ${lines} ${lines === 1 ? "line differs" : "lines differ"}` : "Nothing is changed"),
        dirty ? act("What differs", difference) : null,
        draft.undoable ? act("Undo", () => draft.undo()) : null,
        dirty ? act("Discard…", discard) : null,
        dirty && may && !stale ? act("Save…", save, "main") : null,
        dirty && !may ? h("span", { class: "soft" }, "You may try it; security or an owner saves.") : null));
    if (held) ([...bar.querySelectorAll("button")].find((each) => each.textContent === held) ?? body).focus({ preventScroll: true });
  }

  async function discard() {
    if (await dialog("Discard the draft?", h("p", {}, "What you have changed is forgotten; the rules in force stay."), { yes: "Discard", danger: true })) await draft.drop();
  }
  async function difference() {
    await draft.settled();
    await dialog("What differs", lines_of(draft.told.difference), { yes: "Close", no: null });
  }
  async function save() {
    await draft.settled();
    const { text } = draft, told = await post("rules/effects", { text, first: today() });
    await draft.settled();
    if (draft.text !== text) return save(); // changed meanwhile: what is agreed to is what is saved
    if (!await dialog("Put this in force?", [lines_of(draft.told.difference), h("h3", {}, "In this week"), effects(told)])) return;
    await draft.save();
    return note(`Version ${draft.force.version} is in force.`);
  }
}

export function today() {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
}

export function lines_of(lines) {
  const marks = { same: " ", gone: "-", new: "+", skip: "⋯" };
  if (!lines.length) return h("p", { class: "empty" }, "Nothing differs.");
  return h("pre", { class: "difference", tabindex: "0", role: "region", "aria-label": "Lines that differ" }, lines.map((line) =>
    h("span", { class: line.kind }, `${marks[line.kind]} ${line.text}\n`)));
}

export function effects(told) {
  if (!told.changes.length) return h("p", { class: "empty" }, "Nobody gains or loses a time to enter.");
  return h("ul", {}, told.changes.map((row) => {
    const people = row.count === 1 ? row.people[0] : `${row.count} people`;
    const ids = row.count > 1 ? ` (${row.people.join(", ")}${row.count > row.people.length ? ", …" : ""})` : "";
    return h("li", { class: row.gained ? "good" : "bad" }, `${people} ${row.gained ? "gain" : "lose"}${row.count === 1 ? "s" : ""} ${days_of(row.days)} ${row.from}–${row.to} at ${row.door}`, h("small", {}, ids));
  }), told.more ? h("li", {}, `and ${told.more} more`) : null, told.not_seen ? h("li", {}, `${told.not_seen} people were too many to look at`) : null);
}

export const DAYS = { mon: "Mon", tue: "Tue", wed: "Wed", thu: "Thu", fri: "Fri", sat: "Sat", sun: "Sun" };
const days_of = (days) => days.length === 7 ? "every day" : days.map((day) => DAYS[day]).join(", ");
