// Who changed what: rows by what they say, whether the chain holds, the receipts of deletions.
import { ask, get, lines } from "/admin/api.js";
import { field, h, note, put, when } from "/admin/dom.js";

export const title = "Audit";
const ERASED = h("em", { class: "soft" }, "erased");
const query = (told) => new URLSearchParams(Object.entries(told).filter(([, value]) => value !== "" && value !== null));
const shortened = (list) => (list.length > 12 ? [...list.slice(0, 12), `and ${list.length - 12} more`] : list).join(", ");

// {"templates": 5, "removed": {"events": 3}} in words
function words(details) {
  return Object.entries(details ?? {}).filter(([, value]) => value !== null && value !== "").map(([name, value]) => {
    const said = Array.isArray(value) ? shortened(value.map((each) => (each && typeof each === "object" ? `(${words(each)})` : each)))
      : value && typeof value === "object" ? `(${words(value) || "none"})` : value;
    return `${name.replaceAll("_", " ")} ${said}`;
  }).join(", ");
}

function line(row) {
  const [erasedBy, erased] = [row.by_salt === null, row.about_salt === null];
  return h("li", {},
    h("small", {}, `${row.number}`),
    h("time", { datetime: row.at }, when(row.at)),
    h("span", {}, erasedBy ? ERASED.cloneNode(true) : row.by),
    h("span", {}, h("strong", {}, row.action.replaceAll("_", " ")), " ", erased ? [ERASED.cloneNode(true), h("small", {}, " (somebody was forgotten; a later row says so)")] : [row.subject ?? "", h("br"), h("small", {}, words(row.details))]));
}

export async function show(place, me) {
  const leaving = new AbortController();
  const head = h("code", { class: "anchor" });
  const told = h("p", { role: "status", class: "soft" }, "Not checked yet. A hundred thousand rows take some seconds.");
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Rows checked" });
  const anchor = field("Compare with an anchor that was kept elsewhere", { placeholder: "hash@number", autocomplete: "off", spellcheck: "false" }, "Without one, a chain that was made anew as a whole looks like the true one.");
  const checks = h("button", { class: "main" }, "Check the chain");
  const check = async (event) => {
    event.preventDefault();
    checks.disabled = !(bar.hidden = false);
    const kept = anchor.control.value.trim();
    try {
      await lines(`audit/check?${query({ anchor: kept })}`, (step) => {
        bar.value = step.of ? step.done / step.of : 1;
        if (!("broken" in step)) return;
        told.className = step.broken ? "bad" : "good";
        const against = kept ? ", and fits the anchor" : "";
        put(told, step.broken ? `Broken: row ${step.broken.number} ${step.broken.problem}` : `Whole: ${step.of} rows, up to row ${step.head.split("@")[1]}${against}`);
        put(head, step.head);
      }, leaving.signal);
    } catch (error) {
      if (error.name !== "AbortError") { told.className = "bad"; put(told, error.message); }
    }
    checks.disabled = !(bar.hidden = true);
    if (document.activeElement === document.body) checks.focus();
  };
  const copy = () => navigator.clipboard.writeText(head.textContent).then(() => note("The anchor is copied: keep it where nobody of this device can change it."), () => note("This browser does not copy: mark it and copy it by hand.", "wrong"));

  const [action, by, subject, text, from, to] = [["Action", { tag: "select", options: [["", "any"]] }], ["By"], ["About", { placeholder: "person, door, key" }], ["Text"], ["From", { type: "date" }], ["To", { type: "date" }]].map((each) => field(...each));
  const list = h("ol", { class: "log" });
  const found = h("p", { role: "status", class: "soft" });
  const older = h("button", { hidden: true, onclick: () => more().catch(wrong) }, "Older");
  const wrong = (error) => { if (error.name !== "AbortError") note(error.message, "wrong"); };
  let asked = {}, before = null, searching = new AbortController();

  async function more() {
    const { signal } = searching;
    const full = list.children.length + 50;
    do { // a page of an answer looks at so many rows: it may have found none, and know more
      const page = await get(`audit/rows?${query({ ...asked, before })}`, signal);
      before = page.before;
      list.append(...page.rows.map(line));
      if (page.head) put(head, page.head);
      if (page.actions && action.control.length < 2) action.control.append(...page.actions.map((each) => h("option", { value: each }, each.replaceAll("_", " "))));
      put(found, `${list.children.length} row${list.children.length === 1 ? "" : "s"}${before === null ? "" : ", and there are older ones"}`);
    } while (before !== null && list.children.length < full);
    older.hidden = before === null;
  }
  function search(event) {
    event?.preventDefault();
    searching.abort();
    searching = new AbortController();
    const at = (day, plus) => { const [y, m, d] = day.split("-"); return day ? new Date(y, m - 1, Number(d) + plus).toISOString() : ""; };
    asked = { action: action.control.value, by: by.control.value, subject: subject.control.value, text: text.control.value, since: at(from.control.value, 0), until: at(to.control.value, 1) };
    before = null;
    put(list);
    return more().catch(wrong);
  }
  const receipts = h("details", { class: "card", ontoggle: async (event) => {
    if (!event.target.open) return;
    const all = (await ask("receipts").catch((error) => (wrong(error), { receipts: [] }))).receipts.reverse();
    put(event.target.lastChild, all.length ? all.map(({ receipt, at, person, by, rule, reason, ...what }) => h("li", {}, h("small", {}, receipt), h("time", { datetime: at }, when(at)), h("span", {}, by), h("span", {}, h("strong", {}, person), ` (${rule}) ${reason}`, h("br"), h("small", {}, words(what))))) : h("li", {}, "Nobody was forgotten yet."));
  } }, h("summary", {}, "Receipts of deletions"), h("ol", { class: "log receipts" }));

  put(place, h("h1", {}, title),
    h("form", { class: "card", onsubmit: check },
      h("h2", {}, "The chain"), told, bar,
      h("p", {}, "The last row: ", head, " ", h("button", { type: "button", onclick: copy }, "Copy"), h("br"), h("small", {}, "Print it, or keep it elsewhere: it proves every row up to there.")),
      anchor, h("p", { class: "bar" }, checks, h("a", { class: "button", href: "/admin/api/audit/export", download: "" }, "Save all as JSON lines"))),
    h("form", { class: "bar search", role: "search", onsubmit: search }, action, by, subject, text, from, to, h("button", { class: "main" }, "Search"), h("button", { type: "reset", onclick: () => setTimeout(search) }, "Clear")),
    h("section", { class: "card", "aria-label": "Rows" }, found, list, older), me.may("receipts") ? receipts : null);
  search();
  return () => { leaving.abort(); searching.abort(); };
}
