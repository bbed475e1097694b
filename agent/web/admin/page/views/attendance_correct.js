// Correcting a punch: what is typed is read by the clock on the wall of the site; the original stays.
import { newId, post } from "/admin/api.js";
import { dialog, field, h, note } from "/admin/dom.js";

const TYPES = [["in", "in"], ["out", "out"], ["break_start", "break begins"], ["break_end", "break ends"]];

// Asks until the device agrees or nobody wants it any more: nothing that was typed is lost
async function asked(title, fields, told, yes, danger = false) {
  let form = { id: newId() }, wrong = null;
  for (;;) {
    const given = await dialog(title, [wrong ? h("p", { class: "bad", role: "alert" }, wrong.message) : null, fields(form, wrong?.told?.readings)].flat().filter(Boolean), { yes, danger });
    if (!given) return false;
    form = { ...form, ...Object.fromEntries(given), void: given.has("void") };
    try {
      await post("attendance/correct", { id: newId(), ...told(form) });
      note("Corrected.");
      return true;
    } catch (error) {
      wrong = error;
    }
  }
}

const why = (form) => field("Why", { name: "why", value: form.why ?? "", required: true, maxLength: 500, autocomplete: "off" }, "It is kept, with your name.");

function times(form, was, zone, readings) {
  return [
    field("Day", { name: "date", type: "date", value: form.date ?? was.wall.slice(0, 10), required: true }),
    field("Time", { name: "time", type: "time", step: 1, value: form.time ?? was.wall.slice(11, 19), required: true }, `By the clock on the wall, ${zone}`),
    readings ? field("Which of the two", { name: "reading", tag: "select", options: readings.map((each) => [each, each.replace("T", " ")]) }) : null,
    field("Type", { name: "type", tag: "select", value: form.type ?? was.type, options: TYPES }),
  ];
}

const jobs = (form, was, known) => [field("Job", { name: "job", value: form.job ?? was.job ?? "", maxLength: 64, list: known.length ? "jobs" : null, autocomplete: "off" }), h("datalist", { id: "jobs" }, known.map((value) => h("option", { value })))];
const moment = (form) => form.reading?.startsWith(form.date) ? form.reading : `${form.date}T${form.time}`;

export async function correct(sheet, punch, done) {
  const was = punch.counts ?? punch.made;
  const fields = (form, readings) => [...times(form, was, sheet.zone, readings), ...jobs(form, was, sheet.keys),
    h("p", {}, h("label", {}, h("input", { type: "checkbox", name: "void", checked: form.void ?? false }), " It does not count at all")), why(form)];
  const told = (form) => {
    if (form.void) return { punch: punch.id, void: true, why: form.why };
    const at = moment(form), said = { punch: punch.id, why: form.why };
    if (at !== was.wall.slice(0, 19)) said.at = at;
    if (form.type !== was.type) said.type = form.type;
    if (form.job !== (was.job ?? "")) said.job = form.job;
    return said;
  };
  if (await asked("Correct a punch", fields, told, "Correct")) done();
}

export async function addPunch(sheet, day, done) {
  const was = { wall: `${day.day}T${day.in && !day.out ? day.planned.at(-1)?.[1] ?? "17:00" : day.planned[0]?.[0] ?? "08:00"}:00`, type: day.in && !day.out ? "out" : "in", job: null };
  const fields = (form, readings) => [...times(form, was, sheet.zone, readings), ...jobs(form, was, sheet.keys), why(form)];
  const told = (form) => ({ person: sheet.person, at: moment(form), type: form.type, why: form.why, ...(form.job ? { job: form.job } : {}) });
  if (await asked("Add a punch that is missing", fields, told, "Add")) done();
}

export async function takeBack(correction, done) {
  if (await asked("Take a correction back", (form) => [why(form)], (form) => ({ punch: correction.id, void: true, why: form.why }), "Take back", true)) done();
}
