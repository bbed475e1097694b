// What was weighed in a decision: in words, and on a scale.
import { ask } from "/admin/api.js";
import { field, h, put, when } from "/admin/dom.js";

export const REASONS = {
  match: "recognised, and let in by the rules", credential: "showed the right card, PIN or signature, and is let in by the rules", free_access: "the door is open to everybody now",
  unknown: "nobody who is enrolled is similar enough", ambiguous: "two who are enrolled are about as similar", inconsistent: "the shots point to different people", empty_gallery: "nobody is enrolled here", poor_quality: "no picture was good enough",
  unknown_credential: "nobody has this card or badge number", wrong_pin: "the PIN is wrong", wrong_card: "the card is another person's than the face", face_mismatch: "the face is not that of the card's holder", incomplete: "what was asked for did not come in time", locked_out: "too many wrong PINs or cards in a row",
  suspended: "is suspended", left: "has left", blocked: "is on the blocklist", not_yet_valid: "may enter later, not yet", no_longer_valid: "might enter once, no longer", no_access: "none of the groups is ever let in here", outside_schedule: "is let in here, but not at this time",
  passback: "is inside already, or not where one has to be", peers_silent: "other doors of the zone cannot be heard", no_second_person: "the second person did not come in time", locked_down: "the door is locked down", interlock: "the other door of the lock is open", storage_failed: "it could not be recorded",
  wrong_signature: "the signature is not like theirs, or was a recording", no_signature: "a signature is asked for, and there is none to compare it with", signature_needed: "a signature is asked for",
  pin_needed: "a PIN is asked for", card_needed: "a card is asked for", face_needed: "a face is asked for", second_person_needed: "a second person is asked for",
};
export const OUTCOMES = { granted: ["Let in", "good"], denied: ["Refused", "bad"], pending: ["Waiting", "warn"] };
const called = (id, names) => names[id] ?? id;
const two = (value) => value.toFixed(2);
const shotWords = ({ similarity, person, face_px, sharpness }, names) => `${similarity === null ? "" : `${two(similarity)} to ${called(person, names)}, `}face ${face_px} px, sharpness ${Math.round(sharpness)}`;

export const tag = ({ outcome }) => h("span", { class: `tag ${OUTCOMES[outcome]?.[1] ?? ""}` }, OUTCOMES[outcome]?.[0] ?? outcome);
export const who = (event, names) => event.person ? h("a", { href: `#/people/one/${encodeURIComponent(event.person)}` }, called(event.person, names)) : event.reason === "free_access" ? "Somebody" : "Unknown person";

export const said = (told) => `${OUTCOMES[told.outcome]?.[0] ?? told.outcome}: ${REASONS[told.reason] ?? told.reason}`;

// Heading, reason, scale and facts of a decision: of an event, or as it falls (then with each shot)
export function decided(told, names, id) {
  const quality = told.quality;
  const facts = [
    ["Shots", told.shots && `${told.agreeing} of ${told.shots} agree${told.shots_needed ? `, ${told.shots_needed} are needed` : ""}`],
    ["Each shot", told.each?.length && told.each.map((shot) => h("div", {}, shotWords(shot, names)))],
    ["Best picture", quality && `face ${Math.round(quality.face_px)} px, sharpness ${Math.round(quality.sharpness)}, turned ${two(quality.yaw)}, light ${Math.round(quality.exposure)}, contrast ${Math.round(quality.contrast)}`],
    ["Shown", told.shown?.join(", ")], ["Came with", told.companion && called(told.companion, names)], ["By the schedule", told.schedule],
    ["Unlocked for", told.seconds && `${told.seconds} s`], ["Seen again", told.repeat && "still the same visit: the door opens, nothing is counted twice"],
    ["Alarm", told.alarms?.map((alarm) => alarm.replaceAll("_", " ")).join(", ")],
    ["Decided within", told.latency_ms && `${Math.round(told.latency_ms)} ms of the picture`], ["Camera, track", told.camera && `${told.camera}, ${told.track}`], ["Encoder", told.model], ["Clock", told.clock], ["In detail", told.detail],
  ];
  return [
    h("h2", { id }, who(told, names)),
    h("p", {}, `${said(told)}.`),
    scale(told, names),
    h("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
  ];
}

// Similarities from -0.2 to 1: where the threshold is, each shot, the best, and the next other person (hollow)
function scale({ similarity, threshold, margin, min_margin, second, person, each = [] }, names) {
  if (similarity === null || similarity === undefined || !threshold) return null;
  const width = Math.min(560, innerWidth - 72);
  const x = (value) => 14 + ((Math.min(1, Math.max(-0.2, value)) + 0.2) / 1.2) * (width - 28);
  const between = second && min_margin ? `; ${two(min_margin)} between them are needed` : "";
  const words = `The best shot is ${two(similarity)} similar to ${person ? called(person, names) : "whoever is nearest"}; ${two(threshold)} is needed.${second ? ` The next is ${called(second, names)} with ${two(similarity - margin)}${between}.` : ""}`;
  const dot = (value, r, text) => h("circle", { cx: x(value), cy: 38, r }, h("title", {}, text));
  const label = (value, y, text, kind) => h("text", { class: kind, x: x(value), y, "text-anchor": "middle" }, text);
  return h("figure", { class: "plot scale" }, h("svg", { viewBox: `0 0 ${width} 84`, role: "img", "aria-label": words },
    h("rect", { class: "enough", x: x(threshold), y: 24, width: x(1) - x(threshold), height: 28 }),
    h("line", { class: "grid", x1: 0, x2: width, y1: 52, y2: 52 }),
    [-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => label(value, 66, value.toFixed(1))),
    h("line", { class: "mark", x1: x(threshold), x2: x(threshold), y1: 20, y2: 56 }), label(threshold, 80, `needs ${two(threshold)}`, "mark"),
    second && h("g", { class: "next" }, dot(similarity - margin, 6, `next: ${called(second, names)}`)),
    h("g", { class: `series ${similarity >= threshold ? "good" : "bad"}` },
      each.filter((shot) => shot.similarity !== null).map((shot, number) => dot(shot.similarity, 5, `shot ${number + 1}: ${shotWords(shot, names)}`)),
      dot(similarity, 9, "the best"), label(similarity, 14, two(similarity)))),
  h("figcaption", { class: "soft" }, words));
}

// Visits in a table, each with the way to its page
export function list(events, names) {
  if (!events.length) return h("p", { class: "empty" }, "There are none.");
  const cell = (inside, told = {}) => h("td", { role: "cell", ...told }, inside);
  const row = (event) => h("tr", { role: "row" }, cell(h("a", { href: `#/live/visit/${event.id}` }, when(event.at))),
    event.kind === "access"
      ? [cell(tag(event)), cell(who(event, names)), cell(Number.isFinite(event.similarity) ? `${two(event.similarity)} / ${two(event.threshold)}` : "", { class: "number" }), cell(REASONS[event.reason] ?? event.reason, { class: "why" })]
      : [cell(event.kind), cell(event.person ? who(event, names) : event.subject ?? ""), cell(""), cell(gist(event), { class: "why" })]);
  const head = ["When", "Outcome", "Who", "Similarity / needed", "Why"].map((name) => h("th", { scope: "col", role: "columnheader" }, name));
  return h("table", { class: "visits", role: "table", "aria-label": "Visits" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)), h("tbody", { role: "rowgroup" }, events.map(row)));
}

const gist = (event) => ({ alarm: () => `${event.alarm} ${event.state}`, attendance: () => `${event.type}, by ${event.by}`, audit: () => `${event.action}, by ${event.by ?? "(erased)"}` }[event.kind]?.() ?? "").replaceAll("_", " ");

// A field for a person that knows who there is; its `person()` is what was typed, or whose name that is
export function personField(label, told, help) {
  const known = h("datalist", { id: `${told.name}-known` });
  let people = [];
  const suggest = async ({ target }) => {
    ({ people } = await ask("list", { search: target.value, limit: 8 }).catch(() => ({ people: [] })));
    put(known, people.map((each) => h("option", { value: each.id }, each.name)));
  };
  const row = field(label, { list: known.id, maxLength: 64, autocomplete: "off", oninput: suggest, ...told }, help);
  row.append(known);
  row.person = () => people.find((each) => each.name === row.control.value)?.id ?? row.control.value.trim();
  return row;
}
