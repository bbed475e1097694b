// The page at the wall. It decides nothing: it shows what the agent tells, and sends what was typed.
import { follow } from "/kiosk/mirror.js";
import { ask, ended, progress, send as post } from "/kiosk/sitting.js";
import { begin as beginSign, closeSign, goesOn, guideSign, openSign, signing, signTick } from "/kiosk/sign.js";
import * as sound from "/kiosk/sound.js";

const $ = (id) => document.getElementById(id);
const SHOWN = { granted: 5, denied: 6, pending: 15 }; // seconds
const PUNCH_SECONDS = 7;
const READ_SECONDS = 3; // how an enrolment ended stays, though whoever stands there is recognised at once
const CLEAR_SECONDS = 10; // what is typed and not sent
const LEAVE_SECONDS = 20; // a pad that nobody uses
const IDLE_SECONDS = 60;
const LOST_SECONDS = 7; // three beats of the agent
const WEDGE_MS = 40; // between two characters: no hand is so fast, every card reader is
const PASSING = ["unknown", "ambiguous", "inconsistent", "empty_gallery", "poor_quality"]; // of a face

let state = null;
let language = null; // its file
let shown = null; // the result on the screen
let guide = null; // what somebody who is being enrolled is to do
let face = { size: 0 }; // whoever is nearest to the camera
let later = []; // results and punches that came meanwhile
let complaint = 0; // until when it is said that something was not taken
let pressed = null; // an attendance key that waits for somebody
let ahead = 0; // ms that the device's clock is ahead of this one
let heard = performance.now();
let touched = performance.now();
let boot = null;

// Words

const files = new Map();
const formats = new Map();

async function speak(code) {
  try {
    if (!files.has(code)) files.set(code, await (await fetch(`/kiosk/languages/${code}.json`)).json());
  } catch {
    return; // no answer: the next state tries again
  }
  language = { code, ...files.get(code) };
  document.documentElement.lang = code;
  document.documentElement.dir = language.direction;
  render();
}

function say(word, values = {}) {
  const text = language.words[word] ?? word;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

function format(ms, options) {
  const tag = `${language.locale}-u-nu-latn`; // digits as on the pad
  const wanted = JSON.stringify([tag, state.zone, options]);
  if (!formats.has(wanted)) {
    try {
      formats.set(wanted, new Intl.DateTimeFormat(tag, { timeZone: state.zone, ...options }));
    } catch {
      formats.set(wanted, new Intl.DateTimeFormat(tag, options)); // a zone that this browser does not know
    }
  }
  return formats.get(wanted).format(ms);
}

const now = () => Date.now() + ahead;
const hm = (ms) => format(ms, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function span(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  return say("hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

function text(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words; // said aloud only where it is news
}

const icon = (id, name) => $(id).setAttribute("href", `#i-${name}`);
const label = (key) => (key.name === key.type ? say(key.type) : key.name.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase()));

// What is always there

function door() {
  if (state.mode === "locked_down") return ["stop", "stop", say("locked_down")];
  if (state.mode === "free_access") return ["open", "open", say("free_access")];
  if (state.contact === "open") return ["open", "open", say("open")];
  return state.locked ? ["locked", "lock", say("locked")] : ["unlocked", "unlock", say("unlocked")];
}

function prompt() {
  if (guide) return language.guide[guide.hint] ?? "";
  if (performance.now() < complaint) return say("not_taken");
  if (pressed) return say("key_waits", { what: label(pressed.key) });
  if (state.mode === "locked_down") return say("locked_down_more");
  if (state.mode === "free_access") return say("free_access_more");
  if (face.hint && state.begins.includes("face")) return language.guide[face.hint];
  return say(state.begins.includes("face") ? "look" : state.begins.includes("card") ? "card" : "pin");
}

function notices() {
  const found = [];
  if (performance.now() - heard > LOST_SECONDS * 1000) found.push(["offline", "no_answer"]);
  else {
    if (!state.recording) found.push(["stop", "not_recording"]);
    if (!state.clock_set) found.push(["clock", "clock_unset"]);
    if (!state.online) found.push(["offline", "offline"]);
  }
  const wanted = found.map(([, word]) => say(word)).join("|");
  if ($("notices").dataset.wanted === wanted) return;
  $("notices").dataset.wanted = wanted;
  $("notices").replaceChildren(...found.map(([name, word]) => {
    const item = document.createElement("li");
    item.append(drawn(name), say(word));
    return item;
  }));
}

function drawn(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.dataset.icon = name;
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function keys() {
  const wanted = JSON.stringify([state.keys, language.code]);
  if ($("keys").dataset.wanted !== wanted) {
    $("keys").dataset.wanted = wanted;
    $("keys").replaceChildren(...state.keys.map((key) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "key";
      button.dataset.key = key.name;
      button.append(drawn(key.type), label(key));
      button.addEventListener("click", () => press(key));
      return button;
    }));
  }
  document.body.classList.toggle("no-keys", state.keys.length === 0);
  for (const button of $("keys").children) button.setAttribute("aria-pressed", String(button.dataset.key === pressed?.key.name));
}

function render() {
  if (!state || !language) return;
  const [kind, name, words] = door();
  $("door").dataset.door = kind;
  icon("door-icon", name);
  text("door-words", words);
  text("language-name", language.name);
  $("language").setAttribute("aria-label", `${say("language")}: ${language.name}`);
  text("open-pad-words", say("pin_pad"));
  text("prompt", prompt());
  text("pad-enter", say("enter"));
  $("pad-close").setAttribute("aria-label", say("close"));
  keys();
  progress(guide, say);
  guideSign(guide, language, say);
  ask(guide, state, language, say);
  tick();
}

function tick() {
  if (!state || !language) return;
  const at = now();
  text("clock", hm(at));
  text("date", format(at, { weekday: "long", day: "numeric", month: "long" }));
  const hour = Number(format(at, { hour: "2-digit", hourCycle: "h23" }).replace(/\D/g, ""));
  const dark = state.theme === "dark" || (state.theme === "auto" && (hour >= 20 || hour < 6));
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  notices();
  const since = (performance.now() - touched) / 1000;
  if (pressed && performance.now() > pressed.until) { pressed = null; render(); }
  if (shown) left(shown);
  if (later.length && !(shown?.read > performance.now())) later.splice(0).forEach(happened);
  text("prompt", prompt());
  padTick();
  signTick();
  if (since > IDLE_SECONDS && !shown && !guide && !$("pad").open && !signing()) sleep(at);
}

// A minute without anybody: only the clock, somewhere else each minute

function sleep(at) {
  if ($("dim").hidden) {
    $("dim").hidden = false;
    pressed = null;
    if (language.code !== state.language) speak(state.language);
  }
  text("dim-clock", hm(at));
  text("dim-date", $("date").textContent);
  text("dim-door", [$("door-words").textContent, ...[...$("notices").children].map((each) => each.textContent)].join(" · "));
  const minute = Math.floor(at / 60000);
  $("dim-inner").style.transform = `translate(${((minute * 7) % 11) - 5}vmin, ${((minute * 5) % 13) - 6}vmin)`;
}

function wake() {
  touched = performance.now();
  $("dim").hidden = true;
}

// Results

function show(news) {
  wake();
  pressed = null;
  const padWasOpen = $("pad").open;
  if (padWasOpen && (PASSING.includes(news.reason) || news.badge)) return; // whoever types goes on, whoever else is seen
  if (signing() && (guide || PASSING.includes(news.reason) || goesOn(news))) return; // likewise whoever signs
  if (news.asks === "signature") {
    hide();
    closePad();
    openSign({ say, seconds: news.seconds, who: news.who, message: news.outcome === "denied" ? language.reasons[news.reason] : "" });
    return render();
  }
  closeSign();
  if (news.badge) {
    hide();
    openPad({ asked: false });
    return render();
  }
  if (news.asks === "pin") {
    hide();
    openPad({ asked: true, seconds: news.seconds, who: news.who, message: news.outcome === "denied" ? news.reason : null });
    return render();
  }
  if (padWasOpen && news.outcome === "denied" && ["wrong_pin", "unknown_credential"].includes(news.reason)) {
    openPad({ asked: false, message: news.reason });
    return render();
  }
  closePad();
  const seconds = news.seconds ?? SHOWN[news.outcome];
  shown = { ...news, until: performance.now() + seconds * 1000, counts: news.seconds !== null };
  const sentence = language.reasons[news.reason];
  const [, first, rest] = sentence.match(/^(.+?[.!?])\s+(.*)$/s) ?? [null, sentence, ""];
  const greets = news.outcome === "granted" && news.who;
  text("result-over", news.outcome === "denied" ? say("denied") : news.outcome === "pending" ? news.who ?? say("one_moment") : "");
  text("result-head", greets ? say("welcome", { who: news.who }) : first);
  text("result-more", greets ? "" : rest);
  icon("result-symbol", news.outcome === "pending" ? news.asks : news.outcome);
  $("result-punch").hidden = $("result-hours").hidden = true;
  $("result").dataset.outcome = news.outcome;
  $("result").dataset.reason = news.reason;
  $("result").hidden = false;
  hear(news.outcome);
  bar(seconds);
  render();
}

function hear(name) {
  if (state.sound === "tones") sound.tone(name);
  if (state.sound === "speech") sound.say(["result-over", "result-head", "result-more"].map((id) => $(id).textContent).filter(Boolean).join(". "), language.locale);
}

function bar(seconds) {
  const old = $("result-bar");
  const fresh = old.cloneNode();
  fresh.style.setProperty("--for", `${seconds}s`);
  old.replaceWith(fresh);
}

function left(result) {
  const seconds = Math.ceil((result.until - performance.now()) / 1000);
  if (seconds <= 0) return hide();
  text("result-left", result.counts ? say("seconds_left", { seconds }) : "");
}

function hide() {
  shown = null;
  $("result").hidden = true;
  for (const id of ["result-over", "result-head", "result-more", "result-punch-words", "today", "balance", "result-left"]) $(id).textContent = "";
}

function punched(news) {
  if (!shown || shown.visit !== news.visit) return;
  const what = news.key ? label({ name: news.key, type: news.type }) : say(news.type);
  icon("result-punch-icon", news.type);
  $("result-punch").firstElementChild.dataset.icon = news.type;
  text("result-punch-words", news.repeat ? say("counted_already", { what }) : say("recorded", { what, time: hm(news.at) }));
  $("result-punch").hidden = false;
  if (news.type === "out" && shown.who) text("result-head", say("goodbye", { who: shown.who }));
  if (news.today_seconds !== null && news.today_seconds >= 60) {
    text("today-word", say("today"));
    text("today", span(news.today_seconds));
    text("balance-word", say("balance"));
    text("balance", say(news.balance_seconds < 0 ? "less" : "more", { time: span(news.balance_seconds) }));
    $("balance-box").hidden = Math.abs(news.balance_seconds) < 60;
    $("result-hours").hidden = false;
  }
  shown.until = Math.max(shown.until, performance.now() + PUNCH_SECONDS * 1000);
  bar(PUNCH_SECONDS);
}

function guided(news) {
  const before = guide;
  guide = news.hint === "over" ? null : news;
  wake();
  if (news.session !== before?.session || news.why) {
    hide();
    closePad();
  }
  if (news.why) showEnd(news);
  else if (state.sound === "tones" && guide && before && guide.done > before.done) sound.tone("taken");
  else if (state.sound === "speech" && language.guide[news.hint] && news.hint !== before?.hint) sound.say(language.guide[news.hint], language.locale);
  render();
}

function showEnd(news) {
  const { outcome, words } = ended(news.why, language);
  const [first, ...rest] = words.split("|");
  shown = { visit: null, until: performance.now() + SHOWN.denied * 1000, counts: false, read: performance.now() + READ_SECONDS * 1000 };
  text("result-head", first);
  text("result-more", rest.join(""));
  icon("result-symbol", outcome === "pending" ? "face" : outcome);
  $("result-punch").hidden = $("result-hours").hidden = true;
  $("result").dataset.outcome = outcome;
  $("result").dataset.reason = news.why;
  $("result").hidden = false;
  hear(outcome);
  bar(SHOWN.denied);
}

function faced(news) {
  face = news;
  if (news.size > 0 && news.hint !== "closer") { // near: also in the dark
    if (!$("dim").hidden) wake();
    touched = performance.now();
  }
  follow(news, state);
  text("prompt", prompt());
}

// The PIN pad

const pad = { typed: "", asked: false, until: null, last: 0 };

function openPad({ asked, seconds = null, who = null, message = null }) {
  const goesOn = asked && pad.asked && $("pad").open; // the same person tries again
  pad.asked = asked;
  pad.until = seconds === null ? null : performance.now() + seconds * 1000;
  pad.last = performance.now();
    pad.typed = "";
  if (!(goesOn && who === null)) text("pad-who", who ?? "");
  text("pad-title", say(asked ? "your_pin" : "badge_then_pin"));
  text("pad-message", message === null ? "" : language.reasons[message] ?? say(message));
  layDigits();
  typedChanged();
  if (!$("pad").open) $("pad").showModal();
  padTick();
}

function closePad() {
  pad.typed = "";
  typedChanged();
  if ($("pad").open) $("pad").close();
}

function layDigits() {
  const digits = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];
  if (state.scramble) {
    for (let at = digits.length - 1; at > 0; at -= 1) {
      const other = Math.floor((crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32) * (at + 1));
      [digits[at], digits[other]] = [digits[other], digits[at]];
    }
  }
  const last = digits.pop();
  $("digits").replaceChildren(...[...digits, "*", last, "delete"].map((sign) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "key";
    button.dataset.sign = sign;
    if (sign === "*" && pad.asked) button.classList.add("absent");
    button.setAttribute("aria-label", sign === "*" ? say("star") : sign === "delete" ? say("delete") : say("digit", { digit: sign }));
    button.append(sign === "delete" ? drawn("delete") : sign === "*" ? "∗" : sign);
    button.addEventListener("click", () => type(sign));
    return button;
  }));
}

function type(sign) {
  pad.last = performance.now();
  if (sign === "delete") pad.typed = pad.typed.slice(0, -1);
  else if (pad.typed.length < 37 && !(sign === "*" && (pad.asked || !pad.typed || pad.typed.includes("*")))) pad.typed += sign;
  typedChanged();
}

function typedChanged() {
  text("typed", pad.typed.replace(/[0-9]/g, "•").replace("*", "∗"));
  if (language) $("typed").setAttribute("aria-label", say("typed", { count: pad.typed.replace("*", "").length }));
  if (pad.typed) text("pad-message", "");
}

async function enter() {
  const typed = pad.typed;
  pad.typed = "";
  typedChanged();
  pad.last = performance.now();
  if (typed && !typed.endsWith("*")) {
    if (!(await send({ typed: `${typed}#` }))) text("pad-message", say("not_taken"));
  }
}

function padTick() {
  if (!$("pad").open) return;
  const at = performance.now();
  if (pad.typed && at - pad.last > CLEAR_SECONDS * 1000) { pad.typed = ""; typedChanged(); }
  const seconds = pad.until === null ? null : Math.ceil((pad.until - at) / 1000);
  text("pad-left", seconds === null ? "" : say("seconds_left", { seconds: Math.max(0, seconds) }));
  if (seconds === null ? at - pad.last > LEAVE_SECONDS * 1000 : seconds <= 0) closePad();
}

// What is sent

const send = (body) => post("/kiosk/credential", body);

async function answer(agreed) {
  if (!guide) return;
  if (!(await post("/kiosk/answer", { session: guide.session, agreed }))) complaint = performance.now() + 4000;
  tick();
}

function nextLanguage() {
  const all = state?.languages ?? ["en"];
  speak(all[(all.indexOf(language?.code) + 1) % all.length]);
}

async function sendOrSay(body) {
  const taken = await send(body);
  complaint = taken ? 0 : performance.now() + 4000;
  tick();
  return taken;
}

async function press(key) {
  if (!(await sendOrSay({ key: key.name }))) return;
  pressed = { key, until: performance.now() + state.key_seconds * 1000 };
  render();
  if (!state.begins.includes("face") && !state.begins.includes("card")) openPad({ asked: false });
}

// Keyboards, and card readers that are keyboards: those type faster than anybody

const wedge = { text: "", last: 0, fast: true };

function typing(digit) {
  if (wedge.text !== digit || $("pad").open) return; // a reader has gone on
  openPad({ asked: false });
  type(digit);
}

function keyed(event) {
  wake();
  if (!state || !language) return;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const at = event.timeStamp; // when the key went down: a page that is busy hears of it later
  const ends = event.key === "Enter";
  if (at - wedge.last > 500) Object.assign(wedge, { text: "", fast: true });
  else if (wedge.text && at - wedge.last > WEDGE_MS) wedge.fast = false;
  wedge.last = at;
  if (ends && wedge.fast && wedge.text.length >= 4) {
    event.preventDefault();
    sendOrSay({ typed: wedge.text });
    pad.typed = "";
    typedChanged();
  } else if ($("pad").open && (/^[0-9*]$/.test(event.key) || event.key === "Backspace")) {
    event.preventDefault();
    type(event.key === "Backspace" ? "delete" : event.key);
  } else if ($("pad").open && (event.key === "#" || (ends && pad.typed))) {
    event.preventDefault();
    enter();
  } else if (ends && wedge.text) {
    event.preventDefault(); // a slow reader's end is no press of a button
  }
  if (!wedge.text && !$("pad").open && !guide && /^[0-9]$/.test(event.key)) setTimeout(typing, 150, event.key);
  if (ends) wedge.text = "";
  else if (event.key.length === 1 && wedge.text.length < 72) wedge.text += event.key;
}

// News

function listen() {
  const source = new EventSource("/kiosk/events");
  source.onmessage = (message) => {
    const news = JSON.parse(message.data);
    heard = performance.now();
    if (news.kind === "state") begin(news);
    else if (language && (news.kind === "result" || news.kind === "punch")) happened(news);
    else if (language && news.kind === "guide") guided(news);
    else if (language && news.kind === "face") faced(news);
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

function happened(news) {
  if (shown?.read > performance.now()) later = [...later.slice(-7), news];
  else if (news.kind === "result") show(news);
  else punched(news);
}

function begin(news) {
  if (boot !== null && news.boot !== boot) return location.reload(); // another start of the agent, perhaps another version
  boot = news.boot;
  guide = news.guide;
  state = news;
  ahead = news.now - Date.now();
  document.documentElement.style.setProperty("--reach", state.reach);
  document.body.classList.toggle("low", state.reach < 1);
  if (!language) speak(news.language);
  render();
}

document.addEventListener("pointerdown", (event) => {
  const slept = !$("dim").hidden;
  wake();
  if (slept) event.preventDefault();
}, true);
document.addEventListener("keydown", keyed, true);
document.addEventListener("visibilitychange", tick);
document.addEventListener("contextmenu", (event) => event.preventDefault());
$("dim").addEventListener("click", (event) => event.stopPropagation());
$("open-pad").addEventListener("click", () => openPad({ asked: false }));
$("pad-close").addEventListener("click", closePad);
$("pad-enter").addEventListener("click", enter);
beginSign((session) => session !== null && answer(false));
$("pad").addEventListener("close", () => {
  pad.typed = "";
  typedChanged();
  text("pad-who", "");
});
$("result").addEventListener("click", () => { if (!shown?.counts) hide(); });
$("language").addEventListener("click", nextLanguage);
$("consent-language").addEventListener("click", nextLanguage);
$("consent-agree").addEventListener("click", () => answer(true));
$("consent-decline").addEventListener("click", () => answer(false));
$("consent").addEventListener("cancel", (event) => event.preventDefault()); // Escape is no answer
$("cancel").addEventListener("click", () => answer(false));
setInterval(tick, 250);
listen();
