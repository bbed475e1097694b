// The door: who is there now and why it decided so, what was before, whom nobody knows, and the numbers.
import { ask, get, listen, present } from "/admin/api.js";
import { clock, dialog, field, h, note, put } from "/admin/dom.js";
import { MODES } from "/admin/words.js";
import { decided, list, said, tag, who } from "/admin/views/live/weighed.js";

export const title = "Door";

const PARTS = [["", "Now", "log"], ["visits", "Visits", "log"], ["unknown", "Unknown people", "enrol"], ["plots", "Plots", "log"]];
const FARTHEST = 20000; // ms until a command to unlock is not carried out any more; the device takes 30 s at most

export async function show(place, me, rest) {
  const [part = me.may("log") ? "" : "unknown"] = rest;
  const links = PARTS.filter(([, , verb]) => me.may(verb)).map(([path, name]) =>
    h("a", { class: "button", href: path ? `#/live/${path}` : "#/live", "aria-current": path === (part === "visit" ? "visits" : part) ? "page" : null }, name));
  const inside = h("div");
  put(place, h("h1", {}, title), h("nav", { class: "bar tabs", "aria-label": "Parts of the view" }, links), inside);
  const file = part === "visit" ? "visits" : part;
  if (!file || !PARTS.some(([path]) => path === file)) return now(inside, me);
  const view = await import(`/admin/views/live/${file}.js`);
  return view.show(inside, me, rest);
}

async function now(place, me) {
  let ahead = 0, heard = Date.now(), state = null; // ahead: the device's clock before this one's, ms
  const names = {};
  const door = h("section", { class: "card", "aria-labelledby": "door-title" });
  const aloud = h("p", { class: "skip", role: "status" }), seen = h("div");
  const person = h("section", { class: "card", "aria-labelledby": "who-title" }, aloud, seen);
  const visits = h("div");
  const stale = h("p", { class: "warn", role: "status", hidden: true }, "Nothing is heard from the device. What stands here may be old.");
  put(seen, h("h2", { id: "who-title" }, "Nobody is there"), h("p", { class: "empty" }, "Whoever comes to the door appears here, with what was weighed."));
  put(place, stale, h("div", { class: "columns" }, door, person), h("section", { class: "card" }, h("h2", {}, "Last visits"), visits));
  let events = [];
  const last = () => put(visits, list(events, names), h("p", {}, h("a", { href: "#/live/visits" }, "All visits, with filters")));
  async function reload() {
    const told = await get("live/visits?kind=access&limit=10");
    events = told.events;
    Object.assign(names, told.names);
    last();
  }
  await reload();

  const until = () => new Date(Date.now() + ahead + FARTHEST).toISOString();
  async function act(verb, args, done) {
    try {
      await ask(verb, args);
      note(done);
    } catch (error) {
      note(error.message, "wrong");
    }
  }
  async function unlock() {
    const seconds = field("Seconds", { name: "seconds", type: "number", min: 0.5, max: 3600, step: 0.5, required: true, value: String(state.pulse_seconds) });
    const told = await dialog("Unlock the door?", [h("p", {}, "It is unlocked at once, whoever stands there. Your name goes into the audit."), seconds], { yes: "Unlock" });
    if (told) await act("unlock", { seconds: Number(told.get("seconds")), not_after: until() }, "The door is unlocked.");
  }
  async function hold() {
    if (await dialog("Keep the door unlocked?", h("p", {}, "It stays unlocked until somebody locks it, or the device stops."), { yes: "Keep it unlocked", danger: true })) await act("hold", { not_after: until() }, "The door stays unlocked.");
  }
  async function mode() {
    const choice = field("Mode", { tag: "select", name: "mode", options: Object.entries(MODES), value: state.mode });
    const told = await dialog("Change the mode of the door?", [choice, h("p", { class: "soft" }, "It stays so, over a restart too, until somebody changes it.")], { yes: "Change" });
    const wanted = told?.get("mode");
    if (wanted) await act("mode", { mode: wanted, ...(wanted === "free_access" ? { not_after: until() } : {}) }, `The mode is: ${MODES[wanted]}.`);
  }

  function tellDoor() {
    const unlocks = me.may("unlock") && state.remote_unlock;
    const focused = door.contains(document.activeElement) ? document.activeElement.textContent : "";
    const button = (verb, text, what, also = {}) => me.may(verb) && h("button", { type: "button", onclick: what, ...also }, text);
    const facts = [["Mode", MODES[state.mode]], ["Contact", { open: "the door stands open", closed: "the door is closed" }[state.contact] ?? "none is wired"], ["Opened last by", state.last_opened_by ? names[state.last_opened_by] ?? state.last_opened_by : "nobody since the start"]];
    put(door, h("h2", { id: "door-title" }, "The door is ", state.locked ? "locked" : h("span", { class: "warn" }, state.held ? "unlocked, and stays so" : "unlocked")),
      state.alarms.map((alarm) => h("p", { class: "bad" }, `Alarm: ${alarm.replaceAll("_", " ")}`)),
      !state.recording && h("p", { class: "bad" }, "Nothing can be recorded: the disk is full or broken."),
      state.clock === "unsynchronised" && h("p", { class: "warn" }, "The clock of the device is not set."),
      !state.online && h("p", { class: "warn" }, "The broker is out of reach; what happens waits here."),
      h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      h("p", { class: "buttons start" }, button("unlock", "Unlock…", unlock, { disabled: !unlocks, class: "main" }), button("lock", "Lock now", () => act("lock", {}, "The door is locked.")), button("hold", "Keep unlocked…", hold, { disabled: !unlocks }), button("mode", "Mode…", mode)),
      me.may("unlock") && !unlocks && h("p", { class: "soft" }, "Nobody unlocks this door from afar, from here as little as over MQTT: [mqtt] remote_unlock is false in the device's configuration."),
      state.picture && me.may("unlock") && camera);
    if (focused) [...door.querySelectorAll("button")].find((each) => each.textContent === focused)?.focus();
  }
  const frame = h("div");
  const camera = h("div", {}, h("button", { type: "button", onclick: (event) => {
    const on = !frame.firstChild;
    put(frame, on && h("img", { class: "camera", src: `/admin/api/live/picture#${Date.now()}`, alt: "Whoever stands at the door now; nothing while nobody does" }));
    event.target.textContent = on ? "Hide the camera" : "Show the camera (goes into the audit)";
  } }, "Show the camera (goes into the audit)"), frame);

  const stop = listen("live/events", (told) => {
    if (Date.now() - heard > 8000) reload().catch(() => {}); // something may have been missed
    heard = Date.now();
    stale.hidden = true;
    Object.assign(names, told.names);
    if (told.kind === "state") {
      ahead = told.now - Date.now();
      const { now: _, names: __, kind: ___, ...rest } = told;
      if (JSON.stringify(rest) !== JSON.stringify(state)) state = rest, tellDoor();
    } else if (told.kind === "decision") {
      put(seen, h("p", {}, h("small", {}, clock(told.at)), " ", tag(told)), decided(told, names, "who-title"));
      put(aloud, `${who(told, names).textContent ?? who(told, names)}. ${said(told)}.`);
      person.dataset.outcome = told.outcome;
    } else if (told.event.kind === "access") {
      events.unshift(told.event);
      events.length = Math.min(events.length, 10);
      last();
    }
  });
  const watch = setInterval(() => {
    if (Date.now() - heard < 12000 || !place.isConnected) return;
    stale.hidden = false;
    present().catch(() => {});
  }, 5000);
  return () => (clearInterval(watch), stop(), put(frame));
}
