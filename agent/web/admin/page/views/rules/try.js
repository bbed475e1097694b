// Trying the draft: one person, one door, one time; a week of them; and what changes for everybody.
import { ask, post } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";
import { lower, MODES } from "/admin/words.js";
import { button, names } from "/admin/views/rules/draft.js";
import { effects, today } from "/admin/views/rules.js";

let typed = {}; // stays while one goes to and fro between the parts

export function show(place, draft) {
  typed = { door: draft.here, day: today(), time: new Date().toTimeString().slice(0, 5), ...typed };
  const people = h("datalist", { id: "people" }), said = h("div", { role: "status" }), week = h("div", {}), all = h("div", {});
  const find = async (event) => {
    const found = await ask("list", { search: event.target.value, limit: 20 }).catch(() => ({ people: [] }));
    put(people, (found.people ?? []).map((each) => h("option", { value: each.id }, each.name)));
  };
  const doors = [...new Set([draft.here, ...names(draft, "doors")])].map((each) => [each, each]);
  const form = h("form", { class: "bar", onsubmit: (event) => { event.preventDefault(); tell(); } },
    field("Person", { name: "person", list: "people", required: true, value: typed.person ?? "", autocomplete: "off", oninput: find }),
    field("Door", { tag: "select", name: "door", options: doors, value: typed.door }), field("Day", { name: "day", type: "date", required: true, value: typed.day }), field("Time", { name: "time", type: "time", required: true, value: typed.time }),
    h("button", { class: "main" }, "Try"), people);
  put(place, h("section", { class: "card" }, h("h2", {}, "May this person enter?"), form, said, week), h("section", { class: "card" }, h("h2", {}, "What changes for everybody"),
    h("p", { class: "soft" }, "In the week of that day, if the draft were in force."), button("Look", everybody), all));
  return () => {};

  async function tell() {
    typed = Object.fromEntries(new FormData(form));
    const { person, door, day, time } = typed;
    await draft.tried(async () => {
      await draft.settled();
      const { text } = draft, told = await post("rules/try", { text, person, door, at: `${day} ${time}` });
      const strip = await post("rules/week", { text, person, door, first: day });
      put(said, answer("By the draft", told.draft), draft.dirty ? answer("By the rules in force", told.in_force) : null, told.note ? h("p", { class: "warn" }, told.note) : null);
      put(week, h("h3", {}, "In this week"), strip.days.map((each, number) => row(each, strip.draft[number], strip.in_force[number])));
    });
  }
  function answer(by, told) {
    return h("p", {}, `${by}: `, h("strong", { class: told.granted ? "good" : "bad" }, told.granted ? "yes" : "no"),
      `, ${[told.granted ? told.detail : `${told.reason.replaceAll("_", " ")}${told.detail ? `: ${told.detail}` : ""}`, `to be shown: ${told.factors}${told.two_people ? ", by two people" : ""}`, `mode: ${lower(MODES[told.mode])}`, told.unlocked_until ? "unlocked by its schedule" : ""].filter(Boolean).join("; ")}`);
  }
  function row(day, now, before) {
    const same = JSON.stringify(now) === JSON.stringify(before), words = (all) => all.map((each) => each.join("–")).join(", ") || "not at all";
    const minutes = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
    const bars = (all, kind) => all.map(([start, end]) => h("span", { class: kind, style: { left: `${minutes(start) / 14.4}%`, width: `${(minutes(end) - minutes(start)) / 14.4}%` } }));
    return h("div", { class: "strip" }, h("span", {}, new Date(`${day}T12:00`).toLocaleDateString(undefined, { weekday: "short", day: "numeric" })),
      h("div", { class: "track still", "aria-hidden": "true" }, bars(now, "now"), same ? null : bars(before, "before")), h("small", {}, words(now), same ? "" : ` (now: ${words(before)})`));
  }
  async function everybody() {
    await draft.tried(async () => {
      await draft.settled();
      put(all, effects(await post("rules/effects", { text: draft.text, first: new FormData(form).get("day") || today() })));
    });
  }
}
