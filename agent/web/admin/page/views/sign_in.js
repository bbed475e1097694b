import { h, put } from "/admin/dom.js";

export const title = "Sign in";

export async function show(place, done) {
  put(place, h("h1", {}, title), h("p", { class: "empty" }, "Nothing yet."));
}
