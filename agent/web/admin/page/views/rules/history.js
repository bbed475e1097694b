// The versions that are kept: who gave them and when; each can be looked at and brought back into the draft.
import { ask, get, post } from "/admin/api.js";
import { dialog, h, note, put, when } from "/admin/dom.js";
import { quiet } from "/admin/views/rules/draft.js";
import { lines_of } from "/admin/views/rules.js";

export function show(place, draft) {
  return async function draw() {
    const { versions } = await get("rules/versions").catch((error) => { note(error.message, "wrong"); return { versions: [] }; });
    const row = (each, number) => h("tr", {}, h("td", { class: "number" }, String(each.version)), h("td", {}, when(each.at)), h("td", {}, each.by),
      h("td", {}, number ? quiet("Look", () => draft.tried(() => look(each.version)), { "aria-label": `Look at version ${each.version}` }) : h("span", { class: "tag" }, "in force")));
    put(place, h("section", { class: "card" }, h("h2", {}, "History"), h("p", { class: "soft" }, "The last fifty versions."), versions.length ? h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Version", "Since", "By", "Actions"].map((each, at) => h("th", { scope: "col", class: at ? null : "number" }, each)))), h("tbody", {}, versions.map(row)))) : h("p", { class: "empty" }, "None yet.")));
  };
  async function look(version) {
    const { text } = await ask("rules", { version }), { lines } = await post("rules/difference", { text: draft.force.text, version });
    if (!await dialog(`Version ${version}`, [h("p", { class: "soft" }, `From version ${version} to the one in force:`), lines_of(lines), h("details", {}, h("summary", {}, "All of it"), h("pre", { tabindex: "0" }, text))], { yes: "Bring back into the draft" })) return;
    await draft.replace(text);
    note("The draft is that version now. Save puts it in force.");
  }
}
