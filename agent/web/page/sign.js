// A field to sign in, over the whole screen. What the pen did is sent, and then forgotten here.
import { sent } from "/kiosk/sitting.js";

const $ = (id) => document.getElementById(id);
const MOST = 2000; // points, as the agent takes them
const LONGEST_MS = 30_000;
const EVERY_MS = 8; // between two points: a fast screen reports a thousand in a second
const INK = 3; // CSS pixels
const WHY = { too_short: "sign_too_short", too_long: "sign_too_long", too_fast: "sign_too_fast" };

const points = []; // x, y, ms, pressure, end of a stroke
let pen = null; // the finger or pen that writes: a palm beside it does not
let began = 0;
let asked = null; // why the field is open: until, session, and what was said of the last signature
let speak = (word) => word;

export const signing = () => $("sign").open;

// Whoever looks down to write is seen anew afterwards: the ink stays, and the time goes on as it does at the door
export const goesOn = (news) =>
  signing() && news.asks === "signature" && news.outcome === "pending" && Boolean(news.who) && news.who === $("sign-who").textContent;

export function openSign({ say, seconds = null, who = null, message = "", session = null, title = null }) {
  speak = say;
  asked = { until: seconds === null ? null : performance.now() + seconds * 1000, session };
  $("sign-title").textContent = title ?? say("sign_title");
  if (who !== null || !signing()) $("sign-who").textContent = who ?? ""; // whoever signs again is the same
  $("sign-message").textContent = message;
  $("sign-clear").textContent = say("sign_clear");
  $("sign-done").textContent = say("sign_done");
  $("sign-close").setAttribute("aria-label", say(session === null ? "close" : "give_up"));
  $("sign-field").setAttribute("aria-label", say("sign_field"));
  if (!signing()) $("sign").showModal();
  wipe();
  signTick();
}

export function closeSign() {
  asked = null;
  wipe();
  $("sign-who").textContent = "";
  if (signing()) $("sign").close();
}

// Somebody who is being enrolled signs several times
export function guideSign(guide, language, say) {
  const on = guide?.hint === "sign" || guide?.hint === "sign_again";
  if (!on) return void (asked?.session && closeSign());
  const state = `${guide.session}/${guide.done}/${guide.hint}/${language.code}`;
  if (asked?.state === state && (guide.hint === "sign" || points.length)) return; // the state is told every two seconds
  openSign({
    say,
    session: guide.session,
    title: say("sign_progress", { next: guide.done + 1, of: guide.of }),
    message: guide.hint === "sign_again" ? language.guide.sign_again : "",
  });
  asked.state = state;
}

export function signTick() {
  if (!signing() || !asked) return;
  const seconds = asked.until === null ? null : Math.ceil((asked.until - performance.now()) / 1000);
  const words = seconds === null ? "" : speak("seconds_left", { seconds: Math.max(0, seconds) });
  if ($("sign-left").textContent !== words) $("sign-left").textContent = words;
  if (seconds !== null && seconds <= 0) closeSign();
}

function wipe() {
  points.length = 0;
  pen = null;
  fit();
}

function fit() {
  const field = $("sign-field");
  const scale = window.devicePixelRatio || 1;
  field.width = Math.round(field.clientWidth * scale); // which wipes it
  field.height = Math.round(field.clientHeight * scale);
  const ink = field.getContext("2d");
  ink.scale(scale, scale);
  ink.lineWidth = INK;
  ink.lineCap = ink.lineJoin = "round";
  ink.strokeStyle = ink.fillStyle = getComputedStyle(field).color;
}

function put(event) {
  const box = $("sign-field").getBoundingClientRect();
  const last = points.at(-1);
  if (!points.length) began = event.timeStamp;
  const ms = event.timeStamp - began;
  if (points.length >= MOST || ms > LONGEST_MS) return void ($("sign-message").textContent = speak("sign_too_long"));
  if (last && !last[4] && ms - last[2] < EVERY_MS) return;
  const point = [event.clientX - box.left, event.clientY - box.top, ms, event.pressure, 0].map((each) => Math.round(each * 1000) / 1000);
  const ink = $("sign-field").getContext("2d");
  ink.beginPath();
  if (last && !last[4]) {
    ink.moveTo(last[0], last[1]);
    ink.lineTo(point[0], point[1]);
    ink.stroke();
  } else {
    ink.arc(point[0], point[1], INK / 2, 0, 2 * Math.PI);
    ink.fill();
  }
  points.push(point);
}

function down(event) {
  if (pen !== null || event.button > 0) return;
  event.preventDefault();
  pen = event.pointerId;
  $("sign-field").setPointerCapture(pen);
  if (!points.length) $("sign-message").textContent = "";
  put(event);
}

function move(event) {
  if (event.pointerId !== pen) return;
  const all = event.getCoalescedEvents?.() ?? [];
  for (const each of all.length ? all : [event]) put(each);
}

function up(event) {
  if (event.pointerId !== pen) return;
  pen = null;
  if (points.length) points.at(-1)[4] = 1;
}

async function done() {
  if (!asked) return;
  if (!points.length) return void ($("sign-message").textContent = speak("sign_too_short"));
  const mine = asked;
  const body = { points: points.slice(), ...(asked.session === null ? {} : { session: asked.session }) };
  wipe();
  const answer = await sent("/kiosk/signature", body);
  body.points.length = 0;
  const told = await answer?.json().catch(() => null);
  if (told?.taken || asked !== mine) return; // what comes of it is told by the door; another signs by now
  $("sign-message").textContent = speak(WHY[told?.code] ?? "not_taken");
}

// The page says what leaving means: another way at the door, or no more of it
export function begin(left) {
  const field = $("sign-field");
  field.addEventListener("pointerdown", down);
  field.addEventListener("pointermove", move);
  for (const kind of ["pointerup", "pointercancel"]) field.addEventListener(kind, up);
  $("sign-clear").addEventListener("click", wipe);
  $("sign-done").addEventListener("click", done);
  const leave = () => {
    const session = asked?.session ?? null;
    closeSign();
    left(session);
  };
  $("sign-close").addEventListener("click", leave);
  $("sign").addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  window.addEventListener("resize", () => signing() && wipe());
}
