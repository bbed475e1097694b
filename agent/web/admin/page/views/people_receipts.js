// The receipts of deletions: that somebody was removed or forgotten, and what went with them.
import { ask } from "/admin/api.js";
import { h, put, save, when } from "/admin/dom.js";
import { back, card } from "/admin/views/people_parts.js";

const RULES = { asked: "forgotten, asked for", removed: "removed", left: "forgotten, had left", visitor: "forgotten, a visitor" };

export async function show(place) {
  const { receipts } = await ask("receipts", { limit: 200 });
  put(place, back(), h("h1", {}, "Receipts of deletions"), receipts.length ? receipts.reverse().map(receipt) : h("p", { class: "empty" }, "Nobody was removed yet."));
}

export function receipt(told) {
  const what = ["deleted", "pseudonymised", "kept", "erased"].flatMap((kind) => Object.entries(told[kind] ?? {}).map(([table, number]) => [table.replaceAll("_", " "), `${number} ${kind}`]));
  const rows = [["When", when(told.at)], ["By", told.by], ["What", RULES[told.rule] ?? told.rule], ["Why", told.reason], ...what].filter(([, value]) => value);
  return card(told.person, h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("p", { class: "bar" }, h("button", { onclick: () => save(`receipt-${told.receipt}.json`, JSON.stringify(told, null, 1)) }, "Download"), h("small", {}, `Receipt ${told.receipt}`)));
}
