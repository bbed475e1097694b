import { h, put } from "/admin/dom.js";

export const title = "Door";

export async function show(place, me, rest) {
  put(place, h("h1", {}, title), h("p", { class: "empty" }, "Nothing yet."));
}
