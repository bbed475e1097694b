// What the configuration says, as it counts now. Passwords and keys stand in files of their own, which are not read here.
import { get } from "/admin/api.js";
import { h, put } from "/admin/dom.js";
import { card, code } from "/admin/views/device.js";

export async function show(place) {
  const { file, tables } = await get("device/configuration");
  const all = h("input", { type: "checkbox", id: "all", onchange: draw }), inside = h("div");
  function draw() {
    put(inside, Object.entries(tables).map(([table, rows]) => [table, rows.filter((row) => all.checked || row.changed)]).filter(([, rows]) => rows.length).map(([table, rows]) => h("section", {}, h("h3", {}, `[${table}]`), h("pre", { tabindex: "0" }, rows.map((row) => `${row.key} = ${JSON.stringify(row.value)}${row.changed || !all.checked ? "" : "  # by default"}`).join("\n")))));
  }
  put(place, card("As it counts now",
    h("p", {}, file ? ["From ", code(file), " and the command line. "] : "No file: all from the command line and by default. ", "It is changed there, by whoever may write the file, and counts from the next start."),
    h("p", {}, all, " ", h("label", { for: "all" }, "Also what is as by default")), inside));
  draw();
}
