// Correcting: what is typed is read by the clock on the wall of the site; the original stays.
import { newId, post } from "/admin/api.js";
import { dialog, field, h, note } from "/admin/dom.js";

const TYPES = [["in", "in"], ["out", "out"], ["break_start", "break begins"], ["break_end", "break ends"]];
const why = (form) => field("Why", { name: "why", value: form.why ?? "", required: true, maxLength: 500 }, "It is kept, with your name.");

// Asks until the device agrees or nobody wants it any more: nothing that was typed is lost
async function asked(title, fields, told, done) {
  let form = {}, wrong = null;
  for (;;) {
    const before = form, given = await dialog(title, [h("p", { class: "bad", role: "alert" }, wrong?.message ?? ""), ...fields(form, wrong?.told?.readings)], { yes: title });
    if (!given) return null;
    form = Object.fromEntries(given);
    if (form.time?.length === 5) form.time += ":00";
    if (form.date !== before.date || form.time !== before.time) delete form.reading; // of another time
    try {
      await post("attendance/correct", { id: newId(), why: form.why, ...told(form) });
    } catch (error) {
      if (!error.status || error.status === 401) throw error;
      wrong = error;
      continue;
    }
    note("It is corrected.");
    return done();
  }
}

// A punch, or where there is none one that is missing on a day
export function correct(sheet, day, punch, done) {
  const was = punch?.counts ?? punch?.made ?? { at: `${day.day}T${(day.present ? day.planned.at(-1)?.[1] : day.planned[0]?.[0]) ?? "12:00"}:00`, type: day.present ? "out" : "in", job: null };
  const fields = (form, readings) => [
    field("Day", { name: "date", type: "date", value: form.date ?? was.at.slice(0, 10), required: true }),
    field("Time", { name: "time", type: "time", step: 1, value: form.time ?? was.at.slice(11, 19), required: true }, `By the clock on the wall, ${sheet.zone}`),
    readings ? field("Which of the two", { name: "reading", tag: "select", options: readings.map((each) => [each, each.replace("T", " ")]) }) : "",
    field("Type", { name: "type", tag: "select", value: form.type ?? was.type, options: TYPES }),
    field("Job", { name: "job", value: form.job ?? was.job ?? "", maxLength: 64 }),
    punch ? h("p", {}, h("label", {}, h("input", { type: "checkbox", name: "void", checked: "void" in form }), " It does not count at all")) : "", why(form)];
  const told = (form) => {
    const at = form.reading ?? `${form.date}T${form.time}`, type = form.type, job = form.job;
    if (!punch) return { person: sheet.person, at, type, ...(job && { job }) };
    if (form.void) return { punch: punch.id, void: true };
    return { punch: punch.id, ...(at !== was.at.slice(0, 19) && { at }), ...(type !== was.type && { type }), ...(job !== (was.job ?? "") && { job }) };
  };
  return asked(punch ? "Correct a punch" : "Add a punch", fields, told, done);
}

export const takeBack = (punch, done) => asked("Take it back", (form) => [why(form)], () => ({ punch, void: true }), done);
