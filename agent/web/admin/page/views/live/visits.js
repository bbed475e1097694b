// Visits that are looked for, newest first; and one of them with everything that is recorded.
import { ask, get } from "/admin/api.js";
import { dialog, field, h, local, note, put, when } from "/admin/dom.js";
import { decided, list, OUTCOMES, personField, REASONS, tag } from "/admin/views/live/weighed.js";

const LOOKS = 20; // requests until somebody has to say that it is to look on
const any = (words) => [["", "Any"], ...Object.entries(words)];
const KINDS = { access: "Decisions", attendance: "Punches", alarm: "Alarms" };

export function show(place, me, [part, told = ""]) {
  return part === "visit" ? one(place, me, told) : all(place, me, new URLSearchParams(told || "kind=access"));
}

async function all(place, me, wanted) {
  const value = (name) => wanted.get(name) ?? "";
  const time = (name) => local(value(name));
  const person = personField("Person", { name: "person", value: value("person") });
  const form = h("form", { class: "filters", role: "search", "aria-label": "Visits", onsubmit: search }, [
    person,
    field("Outcome", { tag: "select", name: "outcome", value: value("outcome"), options: any({ granted: OUTCOMES.granted[0], denied: OUTCOMES.denied[0] }) }),
    field("Reason", { tag: "select", name: "reason", value: value("reason"), options: any(Object.fromEntries(Object.entries(REASONS).filter(([key]) => !key.endsWith("_needed")))) }),
    field("Kind", { tag: "select", name: "kind", value: value("kind"), options: any(me.may("audit") ? { ...KINDS, audit: "Changes" } : KINDS) }),
    field("Text", { name: "text", type: "search", value: value("text"), maxLength: 128 }),
    field("From", { name: "since", type: "datetime-local", value: time("since") }),
    field("To", { name: "until", type: "datetime-local", value: time("until") }),
  ], h("p", { class: "buttons" }, h("button", { class: "main" }, "Search"), h("a", { class: "button", href: "#/live/visits" }, "Clear")));
  const table = h("div"), more = h("p", { role: "status" });
  const events = [], names = {};
  let before = null;
  put(place, form, h("section", { class: "card", "aria-label": "Visits" }, table, more));

  function search(event) {
    event.preventDefault();
    person.control.value = person.person();
    const asked = new URLSearchParams([...new FormData(form)].filter(([, each]) => each).map(([name, each]) => [name, name === "since" || name === "until" ? new Date(each).toISOString() : each]));
    const hash = `#/live/visits/${encodeURIComponent(asked)}`;
    if (location.hash === hash) load(true);
    else location.hash = hash;
  }
  async function load(anew = false) {
    if (anew) events.length = 0, before = null;
    const least = events.length + 1;
    for (let look = 0; look < LOOKS && place.isConnected; look += 1) {
      const asked = new URLSearchParams(wanted);
      if (before) asked.set("before", before);
      const told = await get(`live/visits?${asked}`);
      events.push(...told.events);
      Object.assign(names, told.names);
      before = told.before;
      if (!before || events.length >= least) {
        put(table, list(events, names));
        put(more, before ? h("button", { type: "button", onclick: on }, "Older ones") : `${events.length} in all.`);
        return;
      }
      put(more, `Looked back to ${when(told.looked_back_to)}…`);
    }
    put(table, list(events, names));
    put(more, more.textContent, " ", h("button", { type: "button", onclick: on }, "Look further back"));
  }
  const on = ({ target }) => {
    target.disabled = true;
    load().catch((error) => { target.disabled = false; if (error.status !== 401) note(error.message, "wrong"); });
  };
  await load();
}

async function one(place, me, id) {
  const { event, made, names, undone } = await get(`live/visits/${encodeURIComponent(id)}`);
  const mistaken = me.may("undo") && event.person && !undone && ["access", "attendance"].includes(event.kind);
  async function undo() {
    const text = "A punch that came of it no longer counts, and a template learnt from it is forgotten. The event stays as it was recorded.";
    if (!(await dialog(`It was not ${names[event.person] ?? event.person}?`, h("p", {}, text), { yes: "It was somebody else", danger: true }))) return;
    try {
      const { punches, templates } = await ask("undo", { event: event.id, person: event.person });
      note(`Taken back, with ${punches} punches and ${templates} templates.`);
      await one(place, me, id);
    } catch (error) {
      note(error.message, "wrong");
    }
  }
  const rest = Object.entries(event).filter(([name]) => !["kind", "id", "seq", "at"].includes(name));
  const raw = h("details", {}, h("summary", {}, "Everything, as it was recorded"), h("dl", { class: "facts" }, [["number", event.seq], ["id", event.id], ...rest].map(([name, each]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, h("code", {}, typeof each === "object" ? JSON.stringify(each) : String(each)))])));
  put(place, h("section", { class: "card" },
    h("p", {}, when(event.at), " ", event.kind === "access" ? tag(event) : h("span", { class: "tag" }, event.kind), undone && h("span", { class: "tag warn" }, "Taken back: it was somebody else")),
    event.kind === "access" ? decided(event, names) : null,
    mistaken && h("p", {}, h("button", { type: "button", onclick: undo }, "It was not this person…")),
    made.length > 0 && [h("h3", {}, "What came of it"), list(made, names)], raw));
}
