// Many people from a table (CSV), with their photos beside it: looked at first, then one after another.
import { ask, get, post } from "/admin/api.js";
import { field, h, put, save } from "/admin/dom.js";
import { act, advice, back, box, card, drop, shrunk, table } from "/admin/views/people_parts.js";

const PAUSE = 150; // milliseconds between two people: others ask the device as well
const SHOWN = 500; // lines; all are done
const COLUMNS = "name, badge, groups, from, to, state, factors, extended, visitor, notes, card, photos";

export async function show(place) {
  const about = await get("people/about"), files = new Map();
  let csv = null, lines = [], going = false, left = false;
  const consents = box("Those with photos have agreed to this text:"), text = field("Text", { value: about.consent_text, maxlength: "128" });
  const said = h("p", { role: "status" }), bar = h("progress", { hidden: true, "aria-label": "People done" }), list = h("div", {});
  const start = h("button", { class: "main", onclick: go }, "Start"), stop = h("button", { onclick: () => { going = false; } }, "Stop");
  const report = h("button", { onclick: () => save("enrolled.csv", lines.map((each) => [each.line, each.person, each.state, each.why ?? each.problem].map(cell).join(",")).join("\n"), "text/csv") }, "Download what became of each");
  put(place, back(), h("h1", {}, "People from a table"), card("Table and photos",
    h("p", {}, "In the first line of the CSV file ", h("code", {}, "id"), " and any of ", h("code", {}, COLUMNS), `. Groups and photos are parted by “;”. Times without an offset are in ${about.zone}.`),
    drop("Drop the table here, and the photos it names; or choose them.", ".csv,text/csv,image/*", add), consents, text, said, bar, h("p", { class: "buttons" }, report, stop, start)), list);
  tell("No table yet.");

  async function add(dropped) {
    for (const file of dropped) if (/\.csv$/i.test(file.name)) csv = file; else files.set(file.name, file);
    if (!csv) return tell(`${files.size} photos, and no table yet.`);
    lines = (await act(async () => post("people/table", { text: await csv.text(), photos: [...files.keys()] })))?.lines ?? [];
    tell(lines.length ? "" : "The table cannot be taken.");
  }
  function tell(words) {
    if (left) return;
    const of = (key, value) => lines.filter((each) => each[key] === value).length;
    const wrong = lines.filter((each) => each.problem).length, done = of("state", "done");
    said.textContent = words || `${lines.length} people: ${of("becomes", "added")} new, ${of("becomes", "changed")} changed, ${of("becomes", "unchanged")} unchanged, ${wrong} wrong${wrong ? ": mend the table and drop it again" : ""}. ${done} done.`;
    start.disabled = going || !lines.length || wrong > 0 || done === lines.length;
    start.textContent = done ? "Go on" : "Start";
    report.hidden = !lines.some((each) => each.state || each.problem);
    stop.hidden = bar.hidden = !going;
    Object.assign(bar, { max: lines.length || 1, value: done });
    const shown = [...lines].sort((a, b) => Boolean(b.problem) - Boolean(a.problem)).slice(0, SHOWN);
    put(list, shown.length > 0 && table(["Line", "Id", "What", "Result"], shown.map((each) => each.row = row(each))), lines.length > SHOWN && h("p", { class: "soft" }, `and ${lines.length - SHOWN} more`));
  }
  function row(each) {
    const what = [each.becomes, each.photos?.length && `${each.photos.length} photos`, each.hint && `card …${each.hint}`].filter(Boolean).join(", ");
    return h("tr", {}, h("td", {}, each.line), h("td", {}, each.person), h("td", { class: each.problem && "bad" }, each.problem ?? what), h("td", { class: { done: "good", failed: "bad" }[each.state] }, [each.state, each.why].filter(Boolean).join(": ")));
  }
  async function go() {
    going = true;
    tell();
    for (const each of lines.filter((one) => one.state !== "done")) {
      if (!going || left) break;
      try {
        await one(each);
        Object.assign(each, { state: "done", why: "" });
      } catch (error) {
        if (error.status === undefined) throw error;
        Object.assign(each, { state: "failed", why: `${error.message} ${advice(error.code)}` });
        if ([0, 401, 503].includes(error.status)) break; // nobody else would fare better
      }
      const was = each.row;
      was?.replaceWith(each.row = row(each));
      bar.value += 1;
      await new Promise((after) => setTimeout(after, PAUSE));
    }
    going = false;
    tell();
  }
  // Each of these may be asked again: what is so already stays so
  async function one({ person, changes, card: number, photos }) {
    await ask("person_set", { person, create: true, ...changes });
    if (number) await ask("card_add", { person, card: number });
    if (!photos.length) return;
    const sent = [];
    for (const name of photos) sent.push((await shrunk(files.get(name))).photo ?? "");
    await ask("enrol", { person, photos: sent, ...(consents.control.checked && { consent: text.control.value.trim() }) });
  }
  return () => { left = true; };
}

// A cell as a spreadsheet takes it, and never for a formula
const cell = (value) => `"${String(value ?? "").replace(/^(?='*[=+\-@|])/, "'").replaceAll('"', '""')}"`;
