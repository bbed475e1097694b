// The frame of the page: who has signed in, which view is shown. A view is a module in views/ with `show(place, me, rest)`,
// which may return a function that is called when it is left.
import { get, keepSecret, onHeard, onSignedOut, present, send } from "/admin/api.js";
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
let retry = 0;
let kept = null; // what was shown when the session ended, for whoever it was shown to

async function start() {
  let told;
  try {
    if (!(await get("session")).signed) return signIn(); // asking for `me` would be refused, which a console calls an error
    told = await get("me");
  } catch (error) {
    if (error.status === 401) return signIn();
    put($("main"), h("p", { class: "empty" }, error.message, " ", h("button", { onclick: start }, "Try again")));
    return undefined;
  }
  keepSecret(told.secret);
  const before = kept;
  kept = null;
  if (before && before.me.name === told.name && before.me.role === told.role && before.hash === location.hash) return goOn(before, told);
  before?.end();
  me = told;
  me.may = (verb) => me.verbs.includes(verb);
  $("top").hidden = false;
  put($("device"), `${me.site} / ${me.device}`);
  put($("who"), h("a", { href: "#/account" }, `${me.name}, ${me.role}`), h("button", { class: "quiet", onclick: signOut }, "Sign out"));
  put($("nav"), VIEWS.filter(seen).map(([path, name]) => h("a", { href: `#/${path}`, data: { path } }, name)));
  await show();
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a "%" that stands for itself
  }
}

// Whatever is shown goes, with what it has asked; a question of another view is none here
function left() {
  const before = leave;
  leave = () => {};
  before();
  for (const each of document.querySelectorAll("dialog[open]")) each.close();
}

async function show() {
  if (!me) return;
  const mine = (turn += 1);
  const [path = "", ...rest] = location.hash.slice(2).split("/").map(decoded);
  const known = VIEWS.find((each) => each[0] === path);
  if (path !== "account" && !(known && seen(known))) {
    if (known) note(`The role ${me.role} does not see ${known[1]}.`, "wrong");
    const first = VIEWS.find(seen)?.[0] ?? "account";
    location.replace(`#/${first}`);
    return;
  }
  left();
  for (const link of $("nav").children) link.toggleAttribute("aria-current", false), link.dataset.path === path && link.setAttribute("aria-current", "page");
  const place = h("div", { class: "view", data: { view: path } });
  put($("main"), place);
  try {
    const view = await import(`/admin/views/${path}.js`).catch(missing);
    if (mine !== turn) return;
    document.title = `${view.title} · Latchkey`;
    const gone = (await view.show(place, me, rest)) ?? (() => {});
    if (mine !== turn) return gone(); // another view was quicker
    leave = gone;
    named(place, view.title);
  } catch (error) {
    if (error.status === 401 || mine !== turn) return;
    const again = error.status === undefined ? () => location.reload() : show;
    place.append(h("p", { class: "bad", role: "alert" }, `${error.message} `, h("button", { onclick: again }, "Try again")));
  }
}

// A view that did not come: because the device does not answer, which `get` says, or because it is another version by now
async function missing() {
  await get("session");
  throw new Error("A part of the page is missing: load it again.");
}

// What is shown has its name in the title, too; and the part of it that is shown can be seen among the parts
function named(place, title) {
  const part = place.querySelector("nav [aria-current=page]"), what = place.querySelector("h1")?.firstChild?.textContent;
  document.title = `${[...new Set([part?.textContent, what, title])].filter(Boolean).join(" · ")} · Latchkey`;
  for (const each of [part, $("nav").querySelector("[aria-current=page]")]) each?.scrollIntoView({ block: "nearest", inline: "center" });
}

async function signIn() {
  me = null;
  turn += 1; // a view that is on its way comes no more
  left();
  $("top").hidden = true;
  document.title = "Sign in · Latchkey";
  const view = await import("/admin/views/sign_in.js");
  const place = h("div", { class: "view", data: { view: "sign_in" } });
  put($("main"), place);
  await view.show(place, start, kept?.me.name);
}

// The session has ended, as it does where the device starts again. What is shown is put aside with all that was typed in it;
// resolves to whether it is shown again: whoever signs in next may be another
function ended() {
  if (!me) return Promise.resolve(false);
  const dialogs = [...document.querySelectorAll("dialog[open]")], gone = leave, view = turn, focused = document.activeElement;
  const { title } = document, shown = [...$("main").childNodes], whose = me;
  leave = () => {};
  me = null;
  dialogs.forEach((each) => each.remove());
  return new Promise((resolve) => {
    kept = {
      me: whose, hash: location.hash,
      again() {
        document.title = title;
        put($("main"), shown);
        for (const each of dialogs) document.body.append(each), each.open = false, each.showModal();
        [leave, turn] = [gone, view];
        focused.focus();
        resolve(true);
      },
      end() {
        dialogs.forEach((each) => each.close());
        gone();
        resolve(false);
      },
    };
    start();
  });
}

function goOn(before, { secret }) {
  me = Object.assign(before.me, { secret });
  $("top").hidden = false;
  before.again();
}

async function signOut() {
  me = null; // whoever goes leaves nothing behind, whatever else is refused meanwhile
  await send("DELETE", "session").catch(() => {});
  signIn();
}

onHeard((there) => {
  clearTimeout(retry);
  if ($("away").hidden !== there) {
    $("away").hidden = there;
    put($("away"), there ? "" : "The device does not answer: what stands here may be old. It is asked again every few seconds.");
  }
  if (!there && me) retry = setTimeout(() => present().catch(() => {}), 3000);
});
onSignedOut(ended);
// What was still asked for when its session ended, and whoever signs in next is another: of no more use to anybody
addEventListener("unhandledrejection", (event) => { if (event.reason?.status === 401) event.preventDefault(); });
// A file comes from the device, too: not where its refusal would be shown in the place of the page
$("main").addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[href^='/admin/api/']");
  if (!link) return;
  event.preventDefault();
  if (await present().catch((error) => note(error.message, "wrong"))) location.assign(link.href);
});
addEventListener("hashchange", () => show().then(() => $("main").focus({ preventScroll: true })));
start();
