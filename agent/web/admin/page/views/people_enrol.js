// Enrolling somebody: from photos, each judged at once, or at the door. Nothing is kept before "Enrol" is pressed.
import { ask, get, newId, post, work } from "/admin/api.js";
import { field, h, note, put } from "/admin/dom.js";
import { act, address, advice, back, drop, refuse, shrunk, words } from "/admin/views/people_parts.js";

const HINTS = { consent: "They read the text", look_here: "Look here", look_left: "Look left", look_right: "Look right", look_up: "Look up", look_down: "Look down", closer: "Come closer", hold_still: "Hold still", too_dark: "Too dark", too_bright: "Too bright", one_at_a_time: "One at a time", taken: "Taken" };

export async function show(place, me, [id = ""]) {
  const about = await get("people/about");
  const known = id ? await get(`people/one/${encodeURIComponent(id)}`) : null;
  const photos = []; // {name, photo, thumb, verdict}
  let judging = Promise.resolve(), job = null, left = false;

  const name = field("Name", { name: "name", maxlength: "128", required: !known, value: known?.name ?? "", oninput: suggest });
  const person = field("Id", { name: "person", required: true, readOnly: Boolean(known), value: id, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}", onchange: () => { person.control.touched = true; judgeAll(); } }, "Letters, digits, “.”, “_” and “-”. Events name it for ever.");
  const groups = field("Groups", { value: known?.groups.join(", ") ?? "" }, `Parted by commas. There are ${Object.keys(about.groups).join(", ") || "none yet"}.`);
  const agreed = known?.consents.at(-1)?.given;
  const consent = field("They have agreed to", { value: agreed ? "" : about.consent_text, maxlength: "128", placeholder: agreed ? "as noted before" : "the name and version of a text" }, about.require_consent ? "Ask them first: no face is kept without it." : "");
  const replace = h("input", { type: "checkbox", onchange: judgeAll });
  const asks = h("input", { type: "checkbox", checked: about.kiosk && !agreed });
  const list = h("ul", { class: "photos" }), said = h("p", { role: "status" }), hint = h("p", { role: "status", class: "hint" }), bar = h("progress", { max: 5, value: 0, "aria-label": "Shots taken", hidden: true });
  const enrol = h("button", { class: "main", type: "button", onclick: keep }, "Enrol");
  const live = h("button", { type: "button", onclick: atTheDoor }, "Begin at the door"), cancel = h("button", { type: "button", hidden: true, onclick: () => ask("job_cancel", { id_of: job }).catch(refuse) }, "Cancel");
  const form = h("form", { class: "card", onsubmit: (event) => event.preventDefault() }, h("h2", {}, "Who"), name, person, groups, consent,
    known && h("p", {}, h("label", {}, replace, " Forget the templates there are")));
  put(place, back(known ? address(id) : "#/people", known?.name ?? "People"), h("h1", {}, known ? `Photos of ${known.name}` : "Enrol somebody"),
    h("div", { class: "columns" }, form, h("div", {},
      h("section", { class: "card" }, h("h2", {}, "From photos"), drop("Drop photos here, or choose them. Each is judged at once, and none is kept before you enrol.", "image/*", add), list, said, h("p", { class: "buttons" }, enrol)),
      me.may("enrol_live") && h("section", { class: "card" }, h("h2", {}, "At the door"), h("p", {}, "They stand before the door's camera, and are told what to do. Meanwhile the door recognises nobody."),
        about.kiosk && h("p", {}, h("label", {}, asks, " They agree at the door, on its screen")), hint, bar, h("p", { class: "buttons" }, cancel, live)))));
  tell();

  function suggest() {
    if (!known && !person.control.touched) person.control.value = name.control.value.normalize("NFKD").replace(/[^\w .-]/g, "").trim().toLowerCase().split(/[\s_]+/).join(".").replace(/^[._-]+/, "").slice(0, 64);
  }
  function add(files) {
    if (photos.length + files.length > about.most_photos) note(`At most ${about.most_photos} photos of one person: the rest is left out.`, "wrong");
    const fresh = files.slice(0, about.most_photos - photos.length).map((file) => ({ name: file.name, file }));
    photos.push(...fresh);
    tell();
    judging = judging.then(async () => {
      for (const each of fresh) {
        Object.assign(each, await shrunk(each.file), { file: null });
        each.verdict = each.photo ? await judged([each]).then(([verdict]) => verdict) : { ok: false, message: "it is too large, or cannot be read" };
        tell();
      }
      await together();
    }).catch(refuse);
  }
  function judgeAll() {
    judging = judging.then(together).catch(refuse);
  }
  async function together() { // of several people, or somebody else's: that is seen of all together
    const sent = photos.filter((each) => each.photo);
    if (!sent.length) return;
    const verdicts = await judged(sent);
    sent.forEach((each, number) => { each.verdict = verdicts[number]; });
    tell();
  }
  const judged = async (some) => (await post("people/judge", { photos: some.map((each) => each.photo), person: person.control.value.trim(), replace: replace.checked })).photos;

  function tell() {
    if (left) return;
    put(list, photos.map((each) => {
      const { verdict } = each, state = verdict ? (verdict.ok ? "good" : "bad") : "soft";
      const why = verdict ? (verdict.ok ? `Good: ${verdict.measures.filter((one) => one.grade !== "good").map((one) => one.words).join(", ") || "nothing against it"}.` : `Refused: ${verdict.message}. ${advice(verdict.code)}`) : "Is judged…";
      each.thumb?.setAttribute("aria-hidden", "true");
      return h("li", {}, h("span", { class: "thumb" }, each.thumb), h("span", {}, h("b", {}, each.name), h("br"), h("span", { class: state }, why)),
        h("button", { type: "button", class: "quiet", "aria-label": `Take ${each.name} away`, onclick: () => { photos.splice(photos.indexOf(each), 1); tell(); judgeAll(); } }, "×"));
    }));
    const good = photos.filter((each) => each.verdict?.ok).length;
    said.textContent = photos.length ? `${good} of ${photos.length} photos are good.` : "No photo yet. Three to five are best: from the front, a little from each side.";
    enrol.disabled = !photos.length || good < photos.length;
  }
  const who = () => ({ person: person.control.value.trim(), ...(name.control.value.trim() && { name: name.control.value.trim() }), replace: replace.checked });
  async function grouped() {
    const wanted = words(groups.control.value);
    if (JSON.stringify(wanted) !== JSON.stringify(known?.groups ?? [])) await ask("person_set", { person: person.control.value.trim(), groups: wanted });
  }
  async function keep() {
    if (!form.reportValidity()) return;
    const text = consent.control.value.trim();
    const done = await act(async () => {
      const told = await ask("enrol", { ...who(), photos: photos.map((each) => each.photo), ...(text && { consent: text }) });
      await grouped();
      return told;
    }, null, enrol);
    if (!done) return;
    note(`${done.name} is enrolled: ${done.templates} templates.`);
    location.hash = address(done.person);
  }
  async function atTheDoor() {
    if (!form.reportValidity()) return;
    const text = consent.control.value.trim(), asked = about.kiosk && asks.checked;
    job = newId();
    cancel.hidden = bar.hidden = false;
    hint.textContent = "Waits for the door…";
    const done = await act(async () => {
      const told = await work("enrol_live", { id: job, ...who(), ...(asked ? { ask_consent: true } : text && { consent: text }) }, (step) => {
        bar.max = step.of ?? 5;
        bar.value = step.done;
        const said = `${HINTS[step.note] ?? "Waits for the door…"} (${step.done} of ${bar.max})`;
        if (hint.textContent !== said) hint.textContent = said; // said aloud once
      });
      await grouped();
      return told;
    }, null, live);
    job = null;
    cancel.hidden = bar.hidden = true;
    hint.textContent = "";
    if (!done) return;
    note(`${done.name} is enrolled: ${done.templates} templates.`);
    if (!left) location.hash = address(done.person);
  }
  return () => {
    left = true;
    if (job) ask("job_cancel", { id_of: job }).catch(() => {});
  };
}
