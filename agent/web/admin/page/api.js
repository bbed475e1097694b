// What the device can be asked. Whoever is not signed in (any more) is shown the way to do so.

const AGAIN_MS = 3000;
const SIGNING_IN = ["session", "me"]; // what is asked to sign in
const READS = /^(rules\/|people\/(judge|table)$)/; // what a POST only asks

class Refusal extends Error {
  constructor(told, status) {
    super(told.message ?? `the device has answered ${status}`);
    Object.assign(this, { code: told.code ?? "failed", status, told });
  }
}

let secret = "";
export const keepSecret = (told) => { secret = told; };

// The session has ended: resolves once somebody is signed in, to whether they are back who were before
let signedOut = async () => false;
let out = null; // while nobody is
export const onSignedOut = (what) => { signedOut = what; };
const back = () => out ??= signedOut().finally(() => { out = null; });

// Whether the device answers: heard(true) or heard(false), with each answer
let heard = () => {};
export const onHeard = (what) => { heard = what; };

export async function send(method, path, body, signal, more) {
  const headers = { "X-Latchkey": "admin", "X-Latchkey-Session": secret, ...more };
  const raw = body === undefined || body instanceof ArrayBuffer;
  if (body !== undefined) headers["Content-Type"] = raw ? "application/octet-stream" : "application/json";
  let answer;
  try {
    answer = await fetch(`/admin/api/${path}`, { method, headers, body: raw ? body : JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    heard(false);
    throw new Refusal({ code: "away", message: "The device does not answer. Is it on, and in reach?" }, 0);
  }
  heard(true);
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  if (answer.status === 401 && !SIGNING_IN.includes(path)) {
    const waits = back();
    if (!more && await waits) { // what only looks looks again by itself
      if (method === "GET" || READS.test(path)) return send(method, path, body, signal);
      throw new Refusal({ code: "signed_out", message: "You had been signed out, so that was not done. You are signed in again: do it once more." }, 409);
    }
  }
  throw new Refusal(told, answer.status);
}

export const get = (path, signal) => send("GET", path, undefined, signal);
// The same by the page itself, again and again: it does not keep somebody signed in who has gone
export const look = (path) => send("GET", path, undefined, undefined, { "X-Latchkey-Looks": "1" });
// Whether somebody is signed in. If nobody is any more, the way to do so is shown, and this waits for them
export const present = async () => (await look("session")).signed || back();
export const post = (path, body = {}) => send("POST", path, body);

// A verb of deploy/MQTT.md; returns the `data` of its result. Throws a Refusal with the code.
export async function ask(verb, args = {}) {
  return (await send("POST", `ask/${verb}`, { id: newId(), ...args })).data ?? {};
}

// A verb that is a job: tells how far it is, returns what came of it. "enrol_live", "backup", ...
export async function work(verb, args, tell = () => {}) {
  const id = args.id ?? newId(); // known to who wants to cancel it
  await send("POST", `ask/${verb}`, { ...args, id });
  for (;;) {
    const job = await look(`jobs/${id}`);
    tell(job);
    if (job.job === "done") return job.data ?? {};
    if (job.job === "failed") throw new Refusal(job, 409);
    await new Promise((after) => setTimeout(after, 400));
  }
}

// An answer of JSON lines, which comes bit by bit: tell(each). An AbortSignal ends it.
export async function lines(path, tell, signal) {
  const answer = await fetch(`/admin/api/${path}`, { headers: { "X-Latchkey": "admin" }, signal });
  if (answer.status === 401 && await back()) return lines(path, tell, signal);
  if (!answer.ok) throw new Refusal(await answer.json().catch(() => ({})), answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "", got; !(got = await reader.read()).done;) {
    const whole = (rest + got.value).split("\n");
    rest = whole.pop();
    whole.map((line) => JSON.parse(line)).forEach((each) => {
      if (each.ok === false) throw new Refusal(each, 409);
      tell(each);
    });
  }
}

// Crockford's base 32 of time and chance, as the device's own ids (ULID)
export function newId() {
  const signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time = Date.now(), text = "";
  for (let place = 0; place < 10; place += 1, time = Math.floor(time / 32)) text = signs[time % 32] + text;
  return text + [...crypto.getRandomValues(new Uint8Array(16))].map((each) => signs[each % 32]).join("");
}

// Server-sent events: tell(name, data) until the returned function is called
export function listen(path, tell) {
  let source, waiting;
  const open = () => {
    source = new EventSource(`/admin/api/${path}`);
    source.onmessage = (event) => tell(JSON.parse(event.data));
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return; // a browser tries again by itself, but where it was refused
      present().catch(() => {});
      again();
    };
  };
  const again = () => { waiting = setTimeout(() => out ? again() : open(), AGAIN_MS); };
  open();
  return () => { clearTimeout(waiting); source.close(); };
}
