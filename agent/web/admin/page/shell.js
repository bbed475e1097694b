// The frame of the page: who has signed in, which view is shown. A view is a module in views/ with `show(place, me, rest)`,
// which may return a function that is called when it is left.
import { get, keepSecret, onSignedOut, send } from "/admin/api.js";
import { $, h, note, put } from "/admin/dom.js";

const VIEWS = [ // path, name, the verbs whose askers see it
  ["live", "Door", "log", "enrol"],
  ["people", "People", "list"],
  ["attendance", "Attendance", "who_is_in"],
  ["rules", "Rules", "rules"],
  ["audit", "Audit", "audit"],
  ["device", "Device", "device"],
];
const seen = ([, , ...verbs]) => verbs.some(me.may);
let me = null;
let leave = () => {};
let turn = 0;

async function start() {
  try {
    me = await get("me");
  } catch (error) {
    if (error.status === 401) return signIn();
    put($("main"), h("p", { class: "empty" }, error.message, " ", h("button", { onclick: start }, "Try again")));
    return;
  }
  keepSecret(me.secret);
  me.may = (verb) => me.verbs.includes(verb);
  $("top").hidden = false;
  put($("device"), `${me.site} / ${me.device}`);
  put($("who"), h("a", { href: "#/account" }, `${me.name}, ${me.role}`), h("button", { class: "quiet", onclick: signOut }, "Sign out"));
  put($("nav"), VIEWS.filter(seen).map(([path, name]) => h("a", { href: `#/${path}`, data: { path } }, name)));
  await show();
}

async function show() {
  if (!me) return;
  const mine = (turn += 1);
  const [path = "", ...rest] = location.hash.slice(2).split("/").map(decodeURIComponent);
  const known = path === "account" || VIEWS.some((each) => each[0] === path && seen(each));
  if (!known) {
    const first = VIEWS.find(seen)?.[0] ?? "account";
    location.replace(`#/${first}`);
    return;
  }
  await leave();
  leave = () => {};
  for (const link of $("nav").children) link.toggleAttribute("aria-current", false), link.dataset.path === path && link.setAttribute("aria-current", "page");
  const view = await import(`/admin/views/${path}.js`);
  if (mine !== turn) return;
  document.title = `${view.title} · Latchkey`;
  const place = h("div", { class: "view", data: { view: path } });
  put($("main"), place);
  try {
    leave = (await view.show(place, me, rest)) ?? (() => {});
  } catch (error) {
    if (error.status !== 401) note(error.message, "wrong");
  }
}

async function signIn() {
  me = null;
  await leave();
  leave = () => {};
  $("top").hidden = true;
  document.title = "Sign in · Latchkey";
  const view = await import("/admin/views/sign_in.js");
  const place = h("div", { class: "view", data: { view: "sign_in" } });
  put($("main"), place);
  await view.show(place, start);
}

async function signOut() {
  await send("DELETE", "session").catch(() => {});
  signIn();
}

onSignedOut(() => { if (me) { note("You are signed out.", "done"); signIn(); } });
addEventListener("hashchange", () => show().then(() => $("main").focus({ preventScroll: true })));
start();
