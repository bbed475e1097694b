// One person: what is kept of them, their face as quality and date, when they were recognised, and what can be done.
import { ask, get, newId, post, work } from "/admin/api.js";
import { day, dialog, field, h, local, note, put, save, when } from "/admin/dom.js";
import { ID, act, advice, back, box, card, drawn, groupsField, lines, one, stateTag, table, tag, words } from "/admin/views/people_parts.js";
import { OUTCOMES, REASONS } from "/admin/views/live/weighed.js";
import { receipt } from "/admin/views/people_receipts.js";

const STATES = { active: [["suspended", "Suspend"], ["blocked", "Block"], ["left", "Has left"]], suspended: [["active", "Resume"], ["left", "Has left"]], blocked: [["active", "Unblock"]], left: [["active", "Has come back"]] };
const PAIR = [["Id", (each) => each.id], ["Name", (each) => each.name], ["Badge", (each) => each.badge], ["State", (each) => each.state], ["In groups", (each) => each.groups.join(", ")], ["Templates", (each) => each.templates], ["Cards", (each) => each.cards.length], ["PIN", (each) => each.pin_set_at && "set"], ["Known since", (each) => day(each.enrolled_at)]];
const GRADES = { good: "good", fair: "soft", poor: "bad" };
const row = (...inside) => h("li", {}, inside);
const bar = (...inside) => h("p", { class: "bar" }, inside);
const span = (...inside) => h("span", {}, inside);

export async function show(place, me, [id]) {
  put(place, back(), h("h1", {}, id)); // for who is not there
  const about = await get("people/about");
  let told, signing = null; // the job that has them sign
  const value = (control) => control.type === "checkbox" ? "checked" : "value";
  const typed = () => new Map([...place.querySelectorAll("form [name]")].map((each) => [each.name, each[value(each)]]));
  let drawn = new Map(); // what stood in the fields
  // Draws what is so now; what was typed instead of what stood there `before` stays
  const again = async (before = drawn) => {
    told = await get(one(id));
    const focused = place.contains(document.activeElement) && document.activeElement.name;
    const since = [...typed()].filter(([name, now]) => now !== before.get(name));
    draw();
    drawn = typed();
    const control = (name) => place.querySelector(`form [name="${name}"]`);
    for (const [name, now] of since) {
      const there = control(name);
      if (there) there[value(there)] = now;
    }
    if (focused !== false) (focused && control(focused) || place.querySelector("h1")).focus({ preventScroll: true }); // the button that was pressed is gone
  };
  const change = async (verb, args, done, pressed, refused) => {
    const before = new Map([...drawn, ...[...typed()].filter(([name]) => name in args)]);
    if (await act(() => ask(verb, { person: id, ...args }), done, pressed, refused)) await again(before);
  };
  const button = (verb, name, then, kind) => me.may(verb) && h("button", { class: kind, onclick: ({ target }) => then(target) }, name);
  // A button that asks first; `then` gets what was filled in, and how to say why not: then it is asked again, nothing typed is lost
  const asks = (verb, name, kind, title, inside, yes, then) => button(verb, name, async () => {
    const wrong = h("p", { class: "bad", role: "alert" });
    for (let form, said = " "; said && (form = await dialog(title, [wrong, ...inside], { yes, danger: kind === "danger" }));) {
      said = "";
      await then(Object.fromEntries([...form].filter(([, value]) => value)), (error) => { said = error.status === 401 ? "" : `${error.message} ${advice(error.code)}`; put(wrong, said); });
    }
  }, kind);

  function draw() {
    put(place, back(), h("h1", { tabindex: -1 }, told.name, " ", stateTag(told.state)),
      h("p", { class: "soft" }, `${told.id}, known since ${day(told.enrolled_at)}${told.former_ids.length ? `, before as ${told.former_ids.join(", ")}` : ""}`,
        me.may("report") && [" · ", h("a", { href: `#/attendance/person/${encodeURIComponent(id)}` }, "Hours")], me.may("log") && [" · ", h("a", { href: `#/live/visits/${encodeURIComponent(`person=${id}`)}` }, "Visits")]),
      h("div", { class: "columns" }, particulars(), h("div", {}, access(), consent(), told.visits && visits()), h("div", {}, face(), more())));
  }

  function particulars() {
    const disabled = !me.may("person_set");
    const text = (label, name, value, rest, help) => field(label, { name, value: value ?? "", disabled, ...rest }, help);
    const time = (label, name) => text(label, name, local(told[name]), { type: "datetime-local" });
    const notes = text("Notes", "notes", "", { tag: "textarea", rows: 2, maxlength: "2000" });
    notes.control.value = told.notes;
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const given = new FormData(form), asIs = (name) => given.get(name).trim() || null;
      const until = (name) => given.get(name) === local(told[name]) ? told[name] : given.get(name) ? new Date(given.get(name)).toISOString() : null;
      const now = { name: asIs("name"), badge: asIs("badge"), factors: asIs("factors"), groups: words(given.get("groups")), notes: given.get("notes"), valid_from: until("valid_from"), valid_to: until("valid_to"), visitor: given.has("visitor"), extended: given.has("extended") };
      const changed = Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(told[name]));
      if (changed.length) change("person_set", Object.fromEntries(changed), "Saved.", event.submitter);
      else note("Nothing was changed.");
    } },
    text("Name", "name", told.name, { required: true, maxlength: "128" }), text("Badge number", "badge", told.badge, { maxlength: "32" }),
    groupsField(about, { value: told.groups.join(", "), disabled }),
    time("From", "valid_from"), time("Until", "valid_to"), h("p", {}, h("small", {}, "Times are those of this browser.")),
    text("Factors", "factors", told.factors, { placeholder: "as the door asks" }, "Such as card+pin."),
    box("a visitor", { name: "visitor", checked: told.visitor, disabled }), box("needs more time at the door", { name: "extended", checked: told.extended, disabled }), notes,
    !disabled && h("p", { class: "buttons" }, h("button", { class: "main" }, "Save")));
    return card("Particulars", form);
  }

  function access() {
    const secret = (label, name, rest, help) => field(label, { type: "password", name, autocomplete: "off", ...rest }, help);
    const digits = { pattern: "[0-9]{4,12}", inputmode: "numeric" };
    return card("Access",
      bar(STATES[told.state].map(([state, name]) => button("person_set", name, (pressed) => change("person_set", { state }, `${told.name}: ${state}.`, pressed), state === "blocked" && "danger"))),
      h("h3", {}, "PIN"), bar(span(told.pin_set_at ? `Set ${day(told.pin_set_at)}${told.duress ? ", with a duress PIN" : ""}` : "None"),
        asks("pin_set", told.pin_set_at ? "Change" : "Set", "", "Set a PIN", [secret("PIN", "pin", { required: true, ...digits }, "4 to 12 digits, never shown again."), secret("Duress PIN", "duress", digits, "Opens, and raises a silent alarm. May be left out.")], "Set", (form, refused) => change("pin_set", form, "The PIN is set.", {}, refused)),
        told.pin_set_at && button("pin_set", "Clear", (pressed) => change("pin_set", {}, "The PIN is cleared.", pressed))),
      h("h3", {}, "Cards"), lines(told.cards.map((each) => row(span(`…${each.hint}, since ${day(each.added_at)}`), button("card_remove", "Take away", (pressed) => change("card_remove", { hint: each.hint }, "The card is taken away.", pressed), "quiet"))), "None"),
      asks("card_add", "Add a card", "", "Add a card", [secret("Number, or the text of a QR code", "card", { required: true, maxlength: "512" }, "A reader that types can fill it in.")], "Add", (form, refused) => change("card_add", form, "The card is added.", {}, refused)),
      h("h3", {}, "Signature"), bar(span(told.signatures ? `${told.signatures} references` : "None"),
        about.kiosk && button("enrol_signature_live", told.signatures ? "Sign anew at the kiosk" : "Sign at the kiosk", signs),
        told.signatures > 0 && asks("signature_remove", "Forget", "danger", `Forget how ${told.name} signs?`, [h("p", {}, "Where the rules ask for a signature they need another way from then on.")], "Forget", () => change("signature_remove", {}, "It is forgotten."))));
  }

  async function signs(pressed) {
    const said = h("span", { role: "status" }, "Waiting for them at the kiosk");
    pressed.after(said);
    const tell = ({ done, of = 5 }) => { said.textContent = `Signed ${done} of ${of} times`; };
    const give_up = h("button", { class: "quiet", onclick: () => ask("job_cancel", { id_of: signing }).catch(() => {}) }, "Give up");
    signing = newId();
    said.after(give_up);
    const signed = await act(() => work("enrol_signature_live", { id: signing, person: id }, tell), `${told.name} has signed.`, pressed);
    signing = null;
    said.remove();
    give_up.remove();
    if (signed && place.isConnected) await again();
  }

  function consent() {
    const given = told.consents.at(-1)?.given;
    return card("Consent",
      lines(told.consents.map((each) => row(span(h("b", { class: each.given ? "good" : "bad" }, each.given ? "Given" : "Withdrawn"), ` ${when(each.at)}${each.text && ` to “${each.text}”`}, taken down by ${each.by}`))), "Never given."),
      bar(asks("consent", given ? "To another text" : "They agree", "", "They have agreed", [field("To which text", { name: "text", required: true, maxlength: "128", value: about.consent_text }, "Its name and version.")], "Note it", (form, refused) => change("consent", { given: true, ...form }, "It is noted.", {}, refused)),
        given && asks("consent", "They withdraw", "danger", `${told.name} takes their consent back?`, [h("p", {}, `Their ${told.templates} templates are forgotten at once. They may still come in by card or PIN.`)], "Withdraw", () => change("consent", { given: false }, "It is noted, and the templates are forgotten."))));
  }

  function face() {
    const look = (shot) => (pressed) => act(async () => {
      const { jpeg } = await post(`${one(id)}/crop/${shot.id}`);
      const canvas = drawn(await createImageBitmap(new Blob([Uint8Array.from(atob(jpeg), (sign) => sign.charCodeAt(0))])));
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Face of ${told.name}`);
      pressed.replaceWith(canvas);
    }, "", pressed);
    return card(`Face: ${told.templates} template${told.templates === 1 ? "" : "s"}`,
      told.shots && lines(told.shots.map((shot) => row(span(`${day(shot.added_at)}, ${shot.event ? `learnt from event ${shot.event}` : "given at enrolment"}`, h("small", { class: shot.in_use ? "" : "warn" }, h("br"), `${shot.model}${shot.in_use ? "" : ": another model"}`), h("br"),
        h("span", { class: "tags" }, shot.measures.map((each) => tag(each.words, GRADES[each.grade])))),
      about.keep_crops && shot.crop && button("templates", "See", look(shot), "quiet"))), "None: the door cannot recognise them."),
      about.keep_crops && me.may("templates") && h("p", {}, h("small", {}, "Whoever looks at a picture is noted in the audit.")),
      me.may("enrol") && h("a", { class: "button", href: `#/people/enrol/${encodeURIComponent(id)}` }, "Add photos"));
  }

  function visits() {
    return card("Recognised", lines(told.visits.map((each) => row(
      span(me.may("log") ? h("a", { href: `#/live/visit/${each.id}` }, when(each.at)) : when(each.at), each.kind === "access" ? `: ${OUTCOMES[each.outcome]?.[0] ?? each.outcome}, ${REASONS[each.reason] ?? each.reason}` : `: punch ${each.punch}`, each.similarity && h("small", {}, ` similarity ${each.similarity.toFixed(2)}`), each.undone && h("b", { class: "warn" }, " undone: it was not them")),
      !each.undone && asks("undo", "It was not them", "danger", "Undo this recognition?", [h("p", {}, `It was not ${told.name}, ${when(each.at)}. A punch of it no longer counts, and what was learnt from it is forgotten. The event stays.`)], "Undo", () => change("undo", { event: each.id }, "It is undone.")))), "Not of late."));
  }

  function more() {
    const acts = [
      button("export_person", "Export what is held", (pressed) => act(async () => save(`held-${id}.json`, JSON.stringify(await ask("export_person", { person: id }), null, 1)), "It is exported, which is in the audit.", pressed)),
      asks("rename", "Another id", "", "Give another id", [field("New id", { name: "to", required: true, pattern: ID, value: id }, "Events go on naming the old one.")], "Rename", (form, refused) => move("rename", form, form.to, refused)),
      asks("merge", "Merge", "", `Who is the same as ${told.name}?`, [field("Id of the one who stays", { name: "into", required: true, pattern: ID })], "Compare", merge),
      asks("remove", "Remove", "danger", `Remove ${told.name}?`, [h("p", {}, "The door no longer knows them: templates, PIN, cards, groups and consents go. What happened stays under their name: events, hours, the audit.")], "Remove", gone("remove", "Removed")),
      asks("forget", "Forget", "danger", `Forget ${told.name} for ever?`, [h("p", {}, "All of that goes, and in what happened a pseudonym stands for their name. Nobody can take it back."),
        field("Their hours", { tag: "select", name: "attendance", options: [["", "as configured"], ["keep", "keep"], ["pseudonymise", "without the name"], ["delete", "delete"]] }),
        field("Why", { name: "reason", maxlength: "500" }, "Stands in the receipt.")], "Forget", gone("forget", "Forgotten")),
    ].filter(Boolean);
    return acts.length > 0 && card("More", bar(acts), me.may("remove") && h("p", {}, h("small", {}, "Remove: the door no longer knows them. Forget: what happened no longer has their name, either.")));
  }

  async function move(verb, args, to, refused) {
    if (await act(() => ask(verb, { person: id, ...args }), "Done.", {}, refused)) location.hash = `/${one(to)}`;
  }
  const gone = (verb, title) => async (form) => {
    const done = await act(() => ask(verb, { person: id, ...form }));
    if (!done) return;
    const found = done.rule || !me.may("receipts") ? null : await ask("receipts", { person: id, limit: 1 }).catch(() => null);
    const shown = found ? found.receipts.at(-1) : done.rule && done;
    put(place, back(), h("h1", { tabindex: -1 }, title), shown ? receipt(shown) : h("p", { class: "card" }, `${told.name}. Receipt ${done.receipt}.`));
    place.querySelector("h1").focus();
  };
  async function merge({ into }, refused) {
    const other = await get(one(into)).catch(refused);
    if (!other) return;
    const pair = table(["", "Is no more", "Stays"], PAIR.map(([name, tell]) => h("tr", {}, h("th", { scope: "row" }, name), [told, other].map((each) => h("td", {}, tell(each))))));
    const sure = await dialog("Make one of these two?", [pair, h("p", {}, "Groups, cards, templates, consents and hours are put together; of what there can be one only, theirs who stays.")], { yes: "Merge", danger: true });
    if (sure) move("merge", { into }, into);
  }

  await again();
  return () => { if (signing) ask("job_cancel", { id_of: signing }).catch(() => {}); };
}
