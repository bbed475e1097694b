// Many people from a table (CSV), with their photos beside it: looked at first, then one after another.
import { ask, get, post } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";
import { act, back, drop, save, shrunk } from "/admin/views/people_parts.js";

const PAUSE = 150; // milliseconds between two people: others ask the device as well
const SHOWN = 500; // lines; all are done

export async function show(place, me) {
  const about = await get("people/about");
  const files = new Map();
  let table = null, lines = [], going = false, left = false;
  const consent = field("All of them have agreed to", { value: about.consent_text, maxlength: "128", placeholder: "the name and version of a text" }, "For those who come with photos.");
  const said = h("p", { role: "status" }), bar = h("progress", { hidden: true, "aria-label": "People done" }), list = h("div", {});
  const start = h("button", { class: "main", onclick: go }, "Start"), stop = h("button", { hidden: true, onclick: () => { going = false; } }, "Stop");
  const report = h("button", { hidden: true, onclick: () => save("enrolled.csv", lines.map((each) => [each.line, each.person ?? "", each.state ?? "", each.why ?? each.problem ?? ""].map(cell).join(",")).join("\n"), "text/csv") }, "Download what became of each");
  put(place, back(), h("h1", {}, "People from a table"),
    h("section", { class: "card" },
      h("p", {}, "A CSV file as `people import` and `admin enrol` take it: in its first line ", h("code", {}, "id"), " and any of ", h("code", {}, "name, badge, groups, from, to, state, factors, extended, visitor, notes, card, photos"), `. Groups are parted by “;”, photos by “|” or “;”. Times without an offset are in ${about.zone}.`),
      drop("Drop the table here, and the photos it names; or choose them.", ".csv,text/csv,image/*", add), consent, said, bar, h("p", { class: "buttons" }, report, stop, start)),
    list);
  tell("No table yet.");

  async function add(dropped) {
    for (const file of dropped) {
      if (/\.csv$/i.test(file.name)) table = file;
      else files.set(file.name, file);
    }
    if (!table) return tell(`${files.size} photos, and no table yet.`);
    const told = await act(async () => post("people/table", { text: await table.text(), photos: [...files.keys()] }));
    lines = told ? told.lines : [];
    tell(told ? "" : "The table cannot be taken.");
  }
  function tell(text = "") {
    if (left) return;
    const wrong = lines.filter((each) => each.problem).length, done = lines.filter((each) => each.state === "done").length;
    const of = (word) => lines.filter((each) => each.becomes === word).length;
    said.textContent = text || `${lines.length} people: ${of("added")} new, ${of("changed")} changed, ${of("unchanged")} unchanged, ${wrong} wrong${wrong ? ": mend the table and drop it again" : ""}. ${done} done.`;
    start.disabled = going || !lines.length || wrong > 0 || done === lines.length;
    start.textContent = done && done < lines.length ? "Go on" : "Start";
    report.hidden = !lines.some((each) => each.state || each.problem);
    stop.hidden = !going;
    bar.hidden = !going;
    Object.assign(bar, { max: lines.length || 1, value: done });
    const shown = [...lines].sort((one, other) => Boolean(other.problem) - Boolean(one.problem)).slice(0, SHOWN);
    put(list, shown.length > 0 && h("div", { class: "card scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Line", "Id", "What", "Result"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, shown.map((each) => each.row = row(each)))), lines.length > SHOWN && h("p", { class: "soft" }, `and ${lines.length - SHOWN} more`)));
  }
  function row(each) {
    const more = [each.becomes, each.photos?.length && `${each.photos.length} photos`, each.hint && `card …${each.hint}`].filter(Boolean).join(", ");
    return h("tr", {}, h("td", { class: "number" }, each.line), h("td", {}, each.person ?? ""), h("td", {}, each.problem ? h("span", { class: "bad" }, each.problem) : more), h("td", { class: { done: "good", failed: "bad" }[each.state] }, each.state ?? "", each.why && `: ${each.why}`));
  }
  async function go() {
    going = true;
    tell();
    for (const each of lines) {
      if (!going || left) break;
      if (each.state === "done") continue;
      try {
        await one(each);
        each.state = "done";
        each.why = "";
      } catch (error) {
        if (error.status === undefined) throw error;
        Object.assign(each, { state: "failed", why: error.message });
        if ([0, 401, 503].includes(error.status)) break; // nobody else would fare better
      }
      const fresh = row(each);
      each.row?.replaceWith(fresh);
      each.row = fresh;
      bar.value += 1;
      await new Promise((after) => setTimeout(after, PAUSE));
    }
    going = false;
    tell();
  }
  // Each of these may be asked again: what is so already stays so
  async function one({ person, changes, card, photos }) {
    await ask("person_set", { person, create: true, ...changes });
    if (card) await ask("card_add", { person, card });
    if (!photos.length) return;
    const text = consent.control.value.trim(), sent = [];
    for (const name of photos) sent.push((await shrunk(files.get(name))).photo);
    await ask("enrol", { person, photos: sent.filter(Boolean), ...(text && { consent: text }) });
  }
  return () => { left = true; };
}

// A cell as a spreadsheet takes it, and never for a formula
const cell = (value) => `"${String(value).replace(/^(?='*[=+\-@|])/, "'").replaceAll('"', '""')}"`;
