import { get, keepSecret, post, send } from "/admin/api.js";
import { dialog, field, h, note, put, when } from "/admin/dom.js";

export const title = "Account";

const ROLES = [["viewer", "Viewer: looks"], ["enroller", "Enroller: people, faces, cards"], ["operator", "Operator: the door, punches"], ["security", "Security: rules, privacy, audit"], ["owner", "Owner: everything"]];
const word = (autocomplete, label, name, help) => field(label, { type: "password", name, autocomplete, required: true, maxlength: "128" }, help);
const mine = () => word("current-password", "Your password, again", "password");
const fresh = (label) => word("new-password", label, "new", "12 characters or more; four random words are good");
const head = (...names) => [names.map((each) => h("th", { scope: "col" }, each)), h("td", {})];
const ago = (seconds) => seconds < 90 ? "now" : seconds < 5400 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;

// Browsers call themselves everything: the last product that says something, and the system
function browser(text) {
  const name = /(Edg|OPR|Firefox|Chrome|Safari)[a-zA-Z]*\/(\d+)/.exec(text.replace(/Chrome(?=.*(Edg|OPR))/, ""));
  const system = /\(([^;)]+)/.exec(text);
  return [name ? `${name[1].replace("Edg", "Edge").replace("OPR", "Opera")} ${name[2]}` : text.slice(0, 40), system?.[1]].filter(Boolean).join(", ") || "a program";
}

function picture(offer) {
  const { size, path } = offer.qr;
  return h("figure", { class: "qr" },
    h("svg", { viewBox: `-4 -4 ${size + 8} ${size + 8}`, role: "img", "aria-label": "QR code for the app; the text beneath says the same" }, h("path", { d: path })),
    h("figcaption", {}, "Scan this with the app for codes, or type it in:", h("code", {}, offer.secret.replace(/(.{4})(?=.)/g, "$1 "))));
}
const shownCode = () => field("Code that the app shows", { name: "code", autocomplete: "one-time-code", inputmode: "numeric", required: true, maxlength: "10" });

const tellCodes = (codes) => dialog("Recovery codes", [
  h("p", {}, "Each is good once, in the place of the app's code. Print them or write them down, apart from the phone: they are not shown again."),
  h("pre", { class: "codes" }, codes.join("\n"))], { yes: "I have them", no: null });

// Asks until it is taken, or given up; what was typed is not kept
async function asks(heading, inside, options, act) {
  const who = h("input", { hidden: true, autocomplete: "username", value: name, readonly: true });
  let wrong = null;
  for (;;) {
    const told = await dialog(heading, [who, ...inside().flat(), wrong && h("p", { class: "bad", role: "alert" }, wrong)].filter(Boolean), options);
    if (!told) return null;
    try {
      return await act(Object.fromEntries(told));
    } catch (error) {
      if (error.status === 401) throw error;
      wrong = error.message;
    }
  }
}

const refused = (error) => { if (error.status !== 401) note(error.message, "wrong"); };

let name = ""; // whose passwords are asked for: what keeps them wants to know

export async function show(place, me) {
  name = me.name;
  const own = h("section", { class: "card" }), browsers = h("section", { class: "card" }), all = h("section", { class: "card" });
  put(place, h("h1", {}, title), h("div", { class: "columns" }, own, browsers), me.may("key_add") ? all : null);
  const kept = (told) => { if (told.role) { keepSecret(told.secret); me.secret = told.secret; } return told; };
  const again = () => Promise.all([mineShown(), me.may("key_add") ? allShown() : null]);

  async function password() {
    const done = await asks("Change your password", () => [mine(), fresh("New password")], { yes: "Change" }, async (told) => kept(await post("account/password", { password: told.password, new: told.new })));
    if (done) { note("Your password is another now. Other browsers are signed out."); await again(); }
  }

  async function factor() {
    const offer = await post("account/offer").catch(refused);
    if (!offer) return;
    const done = await asks("Another phone", () => [picture(offer), shownCode(), mine()], { yes: "Change" }, async (told) => kept(await post("account/factor", { password: told.password, code: told.code, secret: offer.secret })));
    if (done) { await tellCodes(done.recovery_codes); await again(); }
  }

  async function codes() {
    const done = await asks("New recovery codes", () => [h("p", {}, "Those that you have count no more."), mine()], { yes: "Make new ones" }, (told) => post("account/codes", told));
    if (done) { await tellCodes(done.recovery_codes); await again(); }
  }

  async function mineShown() {
    const told = await get("account");
    put(own, h("h2", {}, told.name), h("p", {}, `${told.role}, since ${when(told.added_at)}. `, h("span", { class: told.recovery_codes < 3 ? "warn" : "soft" }, `${told.recovery_codes} recovery codes left.`)),
      h("p", { class: "bar" }, h("button", { onclick: password }, "Change password"), h("button", { onclick: factor }, "Another phone"), h("button", { onclick: codes }, "New recovery codes")));
    const out = (id) => send("DELETE", `account/sessions${id}`).then(() => note("Signed out there.")).then(mineShown).catch(refused);
    put(browsers, h("h2", {}, "Where you are signed in"), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head("Browser", "From", "Used"))),
      h("tbody", {}, told.sessions.map((each) => h("tr", {}, h("td", { title: each.browser }, browser(each.browser)), h("td", {}, each.address), h("td", {}, ago(each.used_seconds)),
        h("td", {}, each.this ? h("span", { class: "tag" }, "this one") : h("button", { class: "quiet", onclick: () => out(`/${each.id}`) }, "Sign out"))))))),
      told.sessions.length > 1 ? h("button", { onclick: () => out("") }, "Sign out everywhere else") : null);
  }

  async function add() {
    const about = await asks("Let somebody in", () => [h("p", {}, "They sit beside you, with their phone, and type their own password."),
      field("Name", { name: "name", required: true, pattern: "[a-z0-9][a-z0-9._\\-]{0,31}", autocapitalize: "none", autocomplete: "off" }, "a-z, digits, '.', '_', '-'; the audit will say it"),
      field("Role", { tag: "select", name: "role", options: ROLES, value: "viewer" })], { yes: "Go on" }, (told) => told);
    if (!about) return;
    const offer = await post(`account/offer?name=${encodeURIComponent(about.name)}`).catch(refused);
    if (!offer) return;
    const done = await asks(`${about.name}, ${about.role}`, () => [picture(offer), shownCode(), fresh("Their password"), mine()], { yes: "Let in" },
      (told) => post("account/all", { ...about, secret: offer.secret, code: told.code, new: told.new, password: told.password }));
    if (done) { await tellCodes(done.recovery_codes); await again(); }
  }

  const change = (one, heading, inside, options, act) => async () => {
    const done = await asks(heading, () => [...inside(), mine()], options, act);
    if (done) { note(`${one.name}: done. Where they were signed in, they are no more.`); await again(); }
  };

  async function allShown() {
    const { accounts } = await get("account/all");
    const at = (one) => `account/all/${encodeURIComponent(one.name)}`;
    put(all, h("h2", {}, "Who may sign in"), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head("Name", "Role", "Last signed in", "Added"))),
      h("tbody", {}, accounts.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name, one.disabled_at ? h("span", { class: "tag bad" }, "disabled") : null, one.second_factor ? null : h("span", { class: "tag warn" }, "no second factor")),
        h("td", {}, one.role), h("td", {}, when(one.signed_in_at) || "never"), h("td", { class: "less" }, `${when(one.added_at)}, ${one.added_by}`),
        h("td", {}, h("p", { class: "buttons" },
          h("button", { class: "quiet", onclick: change(one, `Role of ${one.name}`, () => [field("Role", { tag: "select", name: "role", options: ROLES, value: one.role })], {}, ({ role, password: again }) => send("PATCH", at(one), { role, password: again })) }, "Role"),
          h("button", { class: "quiet", onclick: change(one, one.disabled_at ? `Let ${one.name} sign in again?` : `Let ${one.name} not sign in?`, () => [], { yes: one.disabled_at ? "Enable" : "Disable" }, (told) => send("PATCH", at(one), { ...told, disabled: !one.disabled_at })) }, one.disabled_at ? "Enable" : "Disable"),
          h("button", { class: "quiet danger", onclick: change(one, `Remove ${one.name}?`, () => [h("p", {}, "The audit goes on to name the account.")], { yes: "Remove", danger: true }, (told) => post(`${at(one)}/remove`, told)) }, "Remove")))))))),
      h("button", { class: "main", onclick: add }, "Let somebody in"));
  }

  await again();
}
