// The text itself, as it is written; what is wrong is told by line.
import { h, note, put } from "/admin/dom.js";
import { button, quiet } from "/admin/views/rules/draft.js";

export function show(place, draft) {
  const wrong = h("div", { role: "alert" });
  const area = h("textarea", { class: "code", id: "text", rows: 28, spellcheck: "false", wrap: "off", "aria-describedby": "text-help" });
  area.value = draft.text;
  put(place, h("section", { class: "card" }, h("h2", {}, h("label", { for: "text" }, "Text")), h("p", { class: "soft", id: "text-help" }, "TOML, as deploy/rules.example.toml explains. It becomes the draft once nothing is wrong with it."), wrong, area,
    h("p", { class: "buttons" }, button("As the draft is", () => { area.value = draft.text; put(wrong); }), button("Check and take", check, { class: "main" }))));
  return () => { if (!wrong.childNodes.length) area.value = draft.text; };

  async function check() {
    try {
      await draft.replace(area.value);
      put(wrong);
      note("The draft is this text now.");
    } catch (error) {
      put(wrong, h("ul", {}, error.message.split("\n").map((line) => h("li", { class: "bad" }, place_of(line)))));
    }
  }
  // "line 14: ..." leads to its line
  function place_of(line) {
    const number = /^line (\d+): /.exec(line)?.[1];
    return number ? [quiet(`line ${number}`, () => go(Number(number))), line.slice(line.indexOf(":"))] : line;
  }
  function go(number) {
    const lines = area.value.split("\n"), start = lines.slice(0, number - 1).join("\n").length + (number > 1);
    area.focus();
    area.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
    area.scrollTop = (number - 4) * (area.scrollHeight / lines.length);
  }
}
