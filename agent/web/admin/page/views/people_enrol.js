// Enrolling somebody: from photos, each judged at once, or at the door. Nothing is kept before "Enrol" is pressed.
import { ask, get, newId, post, work } from "/admin/api.js";
import { field, h, note, put } from "/admin/dom.js";
import { ID, act, advice, back, box, card, drop, groupsField, one, refuse, shrunk, words } from "/admin/views/people_parts.js";

const WAITS = "Waits for the door…";
const HINTS = { consent: "They read the text", one_at_a_time: "One at a time", look_here: "Look here" };

export async function show(place, me, [id = ""]) {
  const about = await get("people/about"), known = id ? await get(one(id)) : null;
  const photos = []; // { name, photo, thumb, verdict }
  let judging = Promise.resolve(), job = null, left = false;

  const agreed = Boolean(known?.consents.at(-1)?.given);
  const name = field("Name", { name: "name", maxlength: "128", required: true, value: known?.name ?? "", oninput: suggest });
  const person = field("Id", { name: "person", required: true, readOnly: Boolean(known), value: id, pattern: ID, onchange: () => { suggest = () => {}; judgeAll(); } }, "Letters, digits, “.”, “_” and “-”. Events name it for ever.");
  const groups = groupsField(about, { value: known?.groups.join(", ") ?? "" });
  const consents = box("They have agreed to this text:"), text = field("Text", { value: about.consent_text, maxlength: "128" }, agreed ? "They have agreed before: only for another text." : about.require_consent ? "Ask them first: no face is kept without it." : "");
  const replace = box("Forget the templates there are", { onchange: judgeAll });
  const asks = box("They are asked at the door, on its screen", { checked: !agreed });
  const list = h("ul", { class: "photos" }), said = h("p", { role: "status" }), hint = h("p", { role: "status", class: "hint" }), bar = h("progress", { hidden: true, "aria-label": "Shots taken" });
  const enrol = h("button", { class: "main", onclick: keep }, "Enrol"), live = h("button", { onclick: atTheDoor }, "Begin at the door");
  const cancel = h("button", { hidden: true, onclick: () => ask("job_cancel", { id_of: job }).catch(refuse) }, "Cancel");
  const form = h("form", { onsubmit: (event) => event.preventDefault() }, name, person, groups, consents, text, known && replace);
  put(place, known ? back(one(id), known.name) : back(), h("h1", {}, known ? `Photos of ${known.name}` : "Enrol somebody"),
    h("div", { class: "columns" }, card("Who", form), h("div", {},
      card("From photos", drop("Drop photos here, or choose them. Each is judged at once, and none is kept before you enrol.", "image/*", add), list, said, h("p", { class: "buttons" }, enrol)),
      me.may("enrol_live") && card("At the door", h("p", {}, "They stand before its camera, and are told what to do. Meanwhile the door recognises nobody."), about.kiosk && asks, hint, bar, h("p", { class: "buttons" }, cancel, live)))));
  tell();

  function suggest() {
    if (!known) person.control.value = name.control.value.normalize("NFKD").replace(/[^\w .-]/g, "").trim().toLowerCase().replace(/[\s_]+/g, ".").replace(/^[._-]+/, "").slice(0, 64);
  }
  function add(files) {
    const room = about.most_photos - photos.length;
    if (files.length > room) note(`At most ${about.most_photos} photos of one person: the rest is left out.`, "wrong");
    const fresh = files.slice(0, room).map((file) => ({ name: file.name, file }));
    photos.push(...fresh);
    tell();
    judging = judging.then(async () => {
      for (const each of fresh) {
        if (left) return;
        Object.assign(each, await shrunk(each.file), { file: null });
        each.verdict = { message: "It is too large." };
        if (each.photo) await judge([each]);
        tell();
      }
    }).catch(refuse);
    if (photos.length > 1) judgeAll(); // whether they are of one person is seen of all together
  }
  function judgeAll() {
    judging = judging.then(() => judge(photos.filter((each) => each.photo))).catch(refuse).then(tell);
  }
  async function judge(some) {
    if (!some.length) return;
    const told = await post("people/judge", { photos: some.map((each) => each.photo), person: person.control.value.trim(), replace: replace.control.checked });
    some.forEach((each, number) => { each.verdict = told.photos[number]; });
  }

  function tell() {
    if (left) return;
    const held = [...list.querySelectorAll("button")].indexOf(document.activeElement);
    put(list, photos.map((each) => {
      const { verdict } = each;
      const why = !verdict ? "Is judged…" : verdict.ok ? `Good: ${verdict.measures.filter((one) => one.grade !== "good").map((one) => one.words).join(", ") || "nothing against it"}.` : `Refused: ${verdict.message}. ${advice(verdict.code)}`;
      return h("li", {}, h("span", { class: "thumb", "aria-hidden": "true" }, each.thumb), h("span", {}, h("b", {}, each.name), h("br"), h("span", { class: verdict ? (verdict.ok ? "good" : "bad") : "soft" }, why)),
        h("button", { class: "quiet", "aria-label": `Take ${each.name} away`, onclick: () => { photos.splice(photos.indexOf(each), 1); tell(); judgeAll(); place.querySelector("[type=file]").focus(); } }, "×"));
    }));
    list.querySelectorAll("button")[held]?.focus();
    const good = photos.filter((each) => each.verdict?.ok).length, waiting = photos.some((each) => !each.verdict);
    said.textContent = waiting ? "The photos are judged…" : photos.length ? `${good} of ${photos.length} photos are good.${good < photos.length ? " Take the others away to enrol." : ""}` : "No photo yet. Three to five are best: from the front, a little from each side.";
    enrol.disabled = !photos.length || good < photos.length;
  }
  // What both ways have in common: who it is, what they agree to, and their groups at the end
  async function carried(button, asked, doing) {
    consents.control.required = about.require_consent && !agreed && !asked;
    if (!form.reportValidity()) return;
    const who = { person: person.control.value.trim(), name: name.control.value.trim(), replace: replace.control.checked, ...(asked ? { ask_consent: true } : consents.control.checked && { consent: text.control.value.trim() }) };
    const done = await act(async () => {
      const told = await doing(who), wanted = words(groups.control.value);
      if (wanted.join() !== (known?.groups ?? []).join()) await ask("person_set", { person: who.person, groups: wanted });
      return told;
    }, "", button);
    if (!done) return;
    note(`${done.name} is enrolled: ${done.templates} templates.`);
    if (!left) location.hash = `/${one(done.person)}`;
  }
  function keep() {
    return carried(enrol, false, (who) => ask("enrol", { ...who, photos: photos.map((each) => each.photo) }));
  }
  async function atTheDoor() {
    await carried(live, about.kiosk && asks.control.checked, (who) => {
      job = newId();
      cancel.hidden = bar.hidden = false;
      return work("enrol_live", { id: job, ...who }, ({ done, of = 5, note: word }) => {
        Object.assign(bar, { max: of, value: done });
        const now = word ? `${HINTS[word] ?? word.replaceAll("_", " ")} (${done} of ${of})` : WAITS;
        if (hint.textContent !== now) hint.textContent = now; // said aloud once
      });
    });
    job = null;
    cancel.hidden = bar.hidden = true;
    hint.textContent = "";
  }
  return () => {
    left = true;
    if (job) ask("job_cancel", { id_of: job }).catch(() => {});
  };
}
