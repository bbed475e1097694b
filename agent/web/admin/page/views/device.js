// How the device is, what it is at, and its parts: models, backup, keys, what is to be forgotten, its configuration.
import { ask, look as glance } from "/admin/api.js";
import { dialog, h, note, put, when } from "/admin/dom.js";

export const title = "Device";
const PARTS = [["", "Overview", "device"], ["models", "Models", "models"], ["backup", "Backup", "backup"], ["keys", "Keys", "keys"], ["forgetting", "Forgetting", "retention"], ["configuration", "Configuration", "backup"]];
const STATES = { ok: ["good", "good"], warning: ["note", "warn"], failed: ["failed", "bad"] };
const NAMES = { camera: "Camera", broker: "Broker", clock: "Clock", disk: "Disk", tls: "Certificate", page: "This page", owner: "Owner", models: "Models", templates: "Templates" };

export const facts = (rows) => h("dl", { class: "facts" }, rows.filter(([, value]) => value || value === 0).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
export const size = (bytes) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
export const wrong = (error) => { if (error.status !== 401 && error.name !== "AbortError") note(error.message, "wrong"); };
export const card = (name, ...inside) => h("section", { class: "card", "aria-label": name }, h("h2", {}, name), ...inside);
export const code = (text) => h("code", {}, text);
const span = (seconds) => (seconds < 120 ? `${Math.round(seconds)} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`);

// What is under way: a bar and a line that says how far it is. during(button, what) shows it meanwhile.
export function doing() {
  const bar = h("progress", { max: 1, hidden: true, "aria-label": "How far it is" }), said = h("p", { role: "status" });
  const say = (...text) => put(said, ...text);
  return {
    place: [said, bar], say,
    tell: (job) => { if (job.of) bar.value = job.done / job.of; else bar.removeAttribute("value"); say(job.note ?? job.job); },
    async during(button, what) {
      const held = document.activeElement === button; // who is disabled loses the focus
      bar.hidden = !(button.disabled = true);
      try { await what(); } finally { bar.hidden = !(button.disabled = false); }
      if (held && document.activeElement === document.body) button.focus();
    },
  };
}

export async function show(place, me, [part = ""]) {
  const mine = PARTS.filter(([, , verb]) => me.may(verb));
  const [path, name] = mine.find(([each]) => each === part) ?? mine[0];
  const inside = h("div");
  put(place, h("h1", {}, title),
    h("nav", { class: "bar tabs parts", "aria-label": "Parts of the device" }, mine.map(([each, text]) => h("a", { class: "button", href: each ? `#/device/${each}` : "#/device", "aria-current": each === path ? "page" : null }, text))), inside);
  if (!path) return overview(inside, me);
  return (await import(`/admin/views/device_${path}.js`)).show(inside, me);
}

async function overview(place, me) {
  const [is, found, others, jobs] = [0, 0, 0, 0].map(() => h("div"));
  let timer = null, last = 0;

  async function look() {
    const told = await glance("device"), { health } = told;
    put(is, facts([["Site, device", `${told.site} / ${told.device}`], ["Groups", told.groups.join(", ")], ["Latchkey", told.version], ["Running for", span(health.uptime_seconds)], ["This run", code(health.boot_id)],
      ["Encoder", told.encoder], ["Detector", told.detector], ["Aligner", told.aligner], ["People", `${health.people}, ${health.templates} templates`], ["Rules", health.rules ? `version ${health.rules}` : "none given: everybody known may come"],
      ["To be sent", `${health.outbox_depth} events${health.oldest_unsent_seconds ? `, the oldest for ${span(health.oldest_unsent_seconds)}` : ""}`], ["Pictures", `${health.fps} a second, ${health.frames_dropped} not looked at`],
      ["Disk free", size(health.disk_free_bytes)], ["Memory", health.memory_bytes && size(health.memory_bytes)], ["Temperature", health.temperature_celsius && `${health.temperature_celsius.toFixed(0)} °C${health.throttled ? ", slowed down" : ""}`],
      ["Certificate", health.certificate_days !== undefined && `${health.certificate_days} days left`], ["Roster", health.roster !== undefined && `read up to ${health.roster}, ${health.roster_problems} problems`],
      ["Last backup", told.backed_up ? when(told.backed_up) : "none that is known of"]]));
    put(found, h("ul", { class: "findings" }, told.findings.map(({ name, state, text, advice }) => h("li", {}, h("span", { class: `tag ${STATES[state][1]}` }, STATES[state][0]), h("span", {}, h("strong", {}, NAMES[name]), ` ${text}`, advice ? [h("br"), h("small", {}, advice)] : null)))));
    put(others, told.peers.length ? facts(told.peers.map(({ device, key }) => [device, code(key)])) : h("p", { class: "empty" }, "None whose key is known."));
  }
  async function work() {
    const all = (await glance("jobs")).jobs;
    const shown = jobs.contains(document.activeElement) ? document.activeElement.dataset.job : null;
    put(jobs, all.length ? h("ul", { class: "findings" }, all.map((job) => jobLine(job, me, tick))) : h("p", { class: "empty" }, "None of late."));
    if (shown) jobs.querySelector(`[data-job="${shown}"]`)?.focus();
    return all.some((job) => ["accepted", "running"].includes(job.job));
  }
  async function tick() {
    clearTimeout(timer);
    if (!place.isConnected) return;
    const busy = !document.hidden && await work().catch(() => false);
    if (!document.hidden && Date.now() - last > 1e4) { last = Date.now(); await look().catch(() => {}); }
    clearTimeout(timer); // of a tick that was asked for meanwhile
    timer = setTimeout(tick, busy ? 1000 : 5000);
  }
  put(place, h("div", { class: "columns" }, card("How it is", found, me.may("log") && h("p", {}, h("a", { href: "#/live/plots" }, "How it was, for a fortnight"))), card("What it is", is),
    h("div", {}, card("Jobs", jobs), card("Other devices of the site", others),
      card("Newer software", h("p", {}, "Not from here: nobody who signs in can change what runs. On the device: sudo deploy/install.sh of the new version; people, rules and keys stay.")))));
  last = Date.now();
  await Promise.all([look(), work()]);
  timer = setTimeout(tick, 1000);
  return () => clearTimeout(timer);
}

function jobLine(job, me, again) {
  const [running, name] = [["accepted", "running"].includes(job.job), job.verb.replaceAll("_", " ")];
  const cancel = async () => {
    if (!(await dialog(`Give up ${name}?`, h("p", {}, "What it has done so far stays or is taken back, as deploy/MQTT.md says."), { yes: "Give up", danger: true }))) return;
    await ask("job_cancel", { id_of: job.id_of }).catch(wrong);
    again();
  };
  return h("li", {}, h("span", { class: `tag ${{ done: "good", failed: "bad" }[job.job] ?? "soft"}` }, job.job),
    h("span", {}, h("strong", {}, name), ` by ${job.by}, ${when(job.accepted_at)}`, job.message ? [h("br"), h("small", {}, job.message)] : null,
      running ? [h("br"), h("progress", { max: job.of ?? 1, value: job.of ? job.done : null, "aria-label": name }), ` ${job.note ?? ""} `, me.may("job_cancel") && me.may(job.verb) ? h("button", { data: { job: job.id_of }, onclick: cancel }, "Give up") : null] : null));
}
