// One person: what is kept of them, their face as quality and date, when they were recognised, and what can be done.
import { ask, get, post } from "/admin/api.js";
import { day, dialog, field, h, note, put, when } from "/admin/dom.js";
import { act, address, back, drawn, refuse, save, stateTag, words } from "/admin/views/people_parts.js";
import { receipt } from "/admin/views/people_receipts.js";

const BUTTONS = { active: [["suspended", "Suspend"], ["blocked", "Block"], ["left", "Has left"]], suspended: [["active", "Resume"], ["left", "Has left"]], blocked: [["active", "Unblock"]], left: [["active", "Has come back"]] };
const local = (at) => at ? new Date(new Date(at) - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "";

export async function show(place, me, [id]) {
  const about = await get("people/about");
  let told;
  const again = async () => draw(told = await get(`people/one/${encodeURIComponent(id)}`));
  const change = async (verb, args, done, button) => (await act(() => ask(verb, { person: id, ...args }), done, button)) && again();
  const button = (verb, name, onclick, kind) => me.may(verb) && h("button", { class: kind, onclick: (event) => onclick(event.target) }, name);
  const asking = async (title, inside, yes, what, danger) => {
    const form = await dialog(title, [inside].flat().filter(Boolean), { yes, danger });
    return form && what(form);
  };

  function draw() {
    document.title = `${told.name} · Latchkey`;
    put(place, back(), h("h1", {}, told.name, " ", stateTag(told.state)),
      h("p", { class: "soft" }, `${told.id}, known since ${day(told.enrolled_at)}`, told.former_ids.length > 0 && `, before as ${told.former_ids.join(", ")}`),
      h("div", { class: "columns" }, particulars(), h("div", {}, access(), consent()), face(), visits(), away()));
  }

  function particulars() {
    const off = { disabled: !me.may("person_set") };
    const box = (name, label) => h("label", {}, h("input", { type: "checkbox", name, checked: told[name], ...off }), ` ${label}`);
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const given = new FormData(form), changes = {};
      const put = (name, value, was = told[name]) => { if (JSON.stringify(value) !== JSON.stringify(was)) changes[name] = value; };
      put("name", given.get("name").trim());
      put("badge", given.get("badge").trim() || null);
      put("factors", given.get("factors").trim() || null);
      put("groups", words(given.get("groups")));
      put("notes", given.get("notes"));
      for (const each of ["valid_from", "valid_to"]) if (given.get(each) !== local(told[each])) changes[each] = given.get(each) ? new Date(given.get(each)).toISOString() : null;
      for (const each of ["visitor", "extended"]) put(each, given.has(each));
      if (Object.keys(changes).length) change("person_set", changes, "Saved.", event.submitter);
      else note("Nothing was changed.");
    } },
      field("Name", { name: "name", value: told.name, required: true, maxlength: "128", ...off }),
      field("Badge number", { name: "badge", value: told.badge ?? "", maxlength: "32", ...off }),
      field("Groups", { name: "groups", value: told.groups.join(", "), ...off }, `Parted by commas. There are ${Object.keys(about.groups).join(", ") || "none yet"}.`),
      h("div", { class: "pair" }, field("From", { type: "datetime-local", name: "valid_from", value: local(told.valid_from), ...off }), field("Until", { type: "datetime-local", name: "valid_to", value: local(told.valid_to), ...off })),
      h("p", {}, h("small", {}, "Times are those of this browser.")),
      field("Factors", { name: "factors", value: told.factors ?? "", placeholder: "as the door asks", ...off }, "Such as card+pin."),
      h("p", { class: "bar" }, box("visitor", "a visitor"), box("extended", "needs more time at the door")),
      field("Notes", { tag: "textarea", name: "notes", rows: 2, maxlength: "2000", ...off }),
      me.may("person_set") && h("p", { class: "buttons" }, h("button", { class: "main" }, "Save")));
    form.elements.notes.value = told.notes;
    return h("section", { class: "card" }, h("h2", {}, "Particulars"), form);
  }

  function access() {
    return h("section", { class: "card" }, h("h2", {}, "Access"),
      h("p", { class: "bar" }, BUTTONS[told.state].map(([state, name]) => button("person_set", name, (pressed) => change("person_set", { state }, `${told.name}: ${state}.`, pressed), state === "blocked" && "danger"))),
      told.state === "blocked" && h("p", { class: "bad" }, "Denied at the door, with an alarm."),
      h("h3", {}, "PIN"), h("p", { class: "bar" }, h("span", {}, told.pin_set_at ? `Set ${day(told.pin_set_at)}${told.duress ? ", with a duress PIN" : ""}` : "None"),
        button("pin_set", told.pin_set_at ? "Change" : "Set", () => asking("Set a PIN", [
          field("PIN", { type: "password", name: "pin", required: true, pattern: "[0-9]{4,12}", inputmode: "numeric", autocomplete: "off" }, "4 to 12 digits. It is never shown again."),
          field("Duress PIN", { type: "password", name: "duress", pattern: "[0-9]{4,12}", inputmode: "numeric", autocomplete: "off" }, "Opens, and raises a silent alarm. May be left out."),
        ], "Set", (form) => change("pin_set", { pin: form.get("pin"), ...(form.get("duress") && { duress: form.get("duress") }) }, "The PIN is set."))),
        told.pin_set_at && button("pin_set", "Clear", (pressed) => change("pin_set", {}, "The PIN is cleared.", pressed))),
      h("h3", {}, "Cards"), told.cards.length ? h("ul", { class: "lines" }, told.cards.map((card) => h("li", {}, h("span", {}, `…${card.hint}, since ${day(card.added_at)}`),
        button("card_remove", "Take away", (pressed) => change("card_remove", { hint: card.hint }, "The card is taken away.", pressed), "quiet")))) : h("p", {}, "None"),
      button("card_add", "Add a card", () => asking("Add a card", field("Number, or the text of a QR code", { type: "password", name: "card", required: true, maxlength: "512", autocomplete: "off" }, "A reader that types can fill it in."), "Add", (form) => change("card_add", { card: form.get("card") }, "The card is added."))));
  }

  function consent() {
    const given = told.consents.at(-1)?.given;
    return h("section", { class: "card" }, h("h2", {}, "Consent"),
      told.consents.length ? h("ul", { class: "lines" }, told.consents.map((each) => h("li", {}, h("span", {}, h("b", { class: each.given ? "good" : "bad" }, each.given ? "Given" : "Withdrawn"), ` ${when(each.at)}`, each.text && ` to “${each.text}”`, `, taken down by ${each.by}`)))) : h("p", { class: "warn" }, "Never given."),
      h("p", { class: "bar" },
        button("consent", given ? "To another text" : "They agree", () => asking("They have agreed", field("To which text", { name: "text", required: true, maxlength: "128", value: about.consent_text }, "Its name and version."), "Note it", (form) => change("consent", { given: true, text: form.get("text") }, "It is noted."))),
        given && button("consent", "They withdraw", () => asking(`${told.name} takes their consent back?`, h("p", {}, `Their ${told.templates} templates are forgotten at once. The person stays, and may come in by card or PIN.`), "Withdraw", () => change("consent", { given: false }, "It is noted, and the templates are forgotten."), true), "danger")));
  }

  function face() {
    const one = (shot) => {
      const measures = h("span", { class: "tags" }, shot.measures.map((each) => h("span", { class: `tag ${{ good: "good", fair: "soft", poor: "bad" }[each.grade]}`, title: `${each.what} ${each.value.toFixed(2)}` }, each.words)));
      const look = shot.crop && about.keep_crops && button("templates", "See", (pressed) => act(async () => {
        const { jpeg } = await post(`people/one/${encodeURIComponent(id)}/crop/${shot.id}`);
        const bytes = Uint8Array.from(atob(jpeg), (sign) => sign.charCodeAt(0));
        const canvas = drawn(await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })));
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `Face of ${told.name}, ${day(shot.added_at)}`);
        pressed.replaceWith(canvas);
      }, null, pressed), "quiet");
      const from = shot.event ? "learnt at the door" : "given at enrolment";
      return h("li", {}, h("span", {}, day(shot.added_at), `, ${from}`, !shot.in_use && h("b", { class: "warn" }, ` by another model (${shot.model})`), h("br"), measures), look);
    };
    return h("section", { class: "card" }, h("h2", {}, `Face: ${told.shots.length} template${told.shots.length === 1 ? "" : "s"}`),
      told.shots.length ? h("ul", { class: "lines" }, told.shots.map(one)) : h("p", { class: "warn" }, "None: the door cannot recognise them."),
      about.keep_crops && me.may("templates") && h("p", {}, h("small", {}, "Whoever looks at a picture is noted in the audit.")),
      me.may("enrol") && h("p", {}, h("a", { class: "button", href: `#/people/enrol/${encodeURIComponent(id)}` }, "Add photos")));
  }

  function visits() {
    if (!told.visits) return null;
    const one = (each) => h("li", {}, h("span", {}, `${when(each.at)}: `, each.kind === "access" ? `${each.outcome} (${each.reason})` : `punch ${each.punch}`, each.similarity !== null && each.kind === "access" && h("small", {}, ` similarity ${each.similarity.toFixed(2)}`), each.undone && h("b", { class: "warn" }, " undone: it was not them")),
      !each.undone && button("undo", "It was not them", () => asking("Undo this recognition?", h("p", {}, `It was not ${told.name}, ${when(each.at)}. A punch of it no longer counts, what was learnt from it is forgotten; the event stays, as undone.`), "Undo", () => change("undo", { event: each.id }, "It is undone."), true), "quiet"));
    return h("section", { class: "card" }, h("h2", {}, "Recognised"), told.visits.length ? h("ul", { class: "lines" }, told.visits.map(one)) : h("p", { class: "empty" }, "Not of late."));
  }

  function away() {
    const acts = [
      button("export_person", "Export what is held", (pressed) => act(async () => save(`held-${id}.json`, JSON.stringify(await ask("export_person", { person: id }), null, 1)), "It is exported; that is in the audit.", pressed)),
      button("rename", "Another id", () => asking("Give another id", field("New id", { name: "to", required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}", value: id }, "Events go on naming the old one."), "Rename", (form) => move("rename", { to: form.get("to") }, form.get("to")))),
      button("merge", "Merge into another", merge),
      button("remove", "Remove", () => asking(`Remove ${told.name}?`, h("p", {}, "The door no longer knows them: templates, PIN, cards, groups and consents go. What happened stays, with their name: events, hours, the audit."), "Remove", gone("remove", {}), true), "danger"),
      button("forget", "Forget", () => asking(`Forget ${told.name} for ever?`, [h("p", {}, "All that is held goes, and their name in all that happened becomes a pseudonym. It cannot be taken back, not from this page, nor by anybody."),
        field("Their hours", { tag: "select", name: "attendance", value: "", options: [["", "as configured"], ["keep", "keep"], ["pseudonymise", "without the name"], ["delete", "delete"]] }),
        field("Why", { name: "reason", maxlength: "500" }, "Stands in the receipt.")], "Forget", (form) => gone("forget", { reason: form.get("reason"), ...(form.get("attendance") && { attendance: form.get("attendance") }) })(), true), "danger"),
    ].filter(Boolean);
    return acts.length > 0 && h("section", { class: "card" }, h("h2", {}, "More"), h("p", { class: "bar" }, acts));
  }

  async function move(verb, args, to) {
    if (await act(() => ask(verb, { person: id, ...args }), "Done.")) location.hash = address(to);
  }
  const gone = (verb, args) => async () => {
    const done = await act(() => ask(verb, { person: id, ...args }), `${told.name} is ${verb === "forget" ? "forgotten" : "removed"}.`);
    if (!done) return;
    let shown = done.rule ? done : null;
    if (!shown && me.may("receipts")) shown = (await ask("receipts", { person: id, limit: 1 }).catch(() => ({}))).receipts?.at(-1);
    put(place, back(), h("h1", { tabindex: "-1" }, verb === "forget" ? "Forgotten" : "Removed"), shown ? receipt(shown) : h("p", { class: "card" }, `${told.name} is removed. Receipt ${done.receipt}.`));
    place.querySelector("h1").focus();
  };

  async function merge() {
    const form = await dialog(`Who is the same as ${told.name}?`, field("Id of the one who stays", { name: "into", required: true }), { yes: "Compare" });
    if (!form) return;
    const into = form.get("into").trim();
    const other = await get(`people/one/${encodeURIComponent(into)}`).catch(refuse);
    if (!other) return;
    const rows = [["Id", (each) => each.id], ["Name", (each) => each.name], ["Badge", (each) => each.badge], ["State", (each) => each.state], ["Groups", (each) => each.groups.join(", ")], ["Templates", (each) => each.templates], ["Cards", (each) => each.cards.length], ["PIN", (each) => each.pin_set_at && "yes"], ["Known since", (each) => day(each.enrolled_at)]];
    const pair = h("table", {}, h("thead", {}, h("tr", {}, ["", "Is no more", "Stays"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows.map(([name, tell]) => h("tr", {}, h("th", { scope: "row" }, name), [told, other].map((each) => h("td", {}, tell(each) ?? ""))))));
    asking("Make one of these two?", [pair, h("p", {}, "Groups, cards, templates, consents and hours are put together. Where there can be only one, that of the one who stays holds.")], "Merge", () => move("merge", { into }, into), true);
  }

  await again();
}
