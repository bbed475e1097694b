// The models in force with their cards, those before, and how others come into force.
import { ask, get, newId, send, work } from "/admin/api.js";
import { dialog, field, h, note, put, when } from "/admin/dom.js";
import { plot } from "/admin/plot.js";
import { card, code, doing, facts, size, wrong } from "/admin/views/device.js";

const PART = 1 << 20;
const small = (rate) => (rate > 0 ? `1 in ${Math.round(1 / rate).toLocaleString()}` : "0");
const figures = (told) => h("ul", {}, Object.entries(told ?? {}).map(([set, values]) => h("li", {}, h("strong", {}, set), ": ", Object.entries(values).map(([name, value]) => `${name.replaceAll("_", " ")} ${typeof value === "number" ? Number(value.toPrecision(4)) : value}`).join(", "))));

function model(name, told) {
  return card(name,
    facts([["Id", code(told.id)], ["File", told.bytes && `${size(told.bytes)}, ${told.quantisation ?? ""}`], ["SHA-256", code(told.sha256)], ["Sees", told.input && `${told.input.width} × ${told.input.height} pixels`], ["Says", told.dimension && `${told.dimension} numbers a face`]]),
    told.data ? [h("h3", {}, "Made of, and for what"), h("p", {}, told.data)] : null,
    told.figures ? [h("h3", {}, "Measured"), figures(told.figures)] : null,
    told.fmr ? h("small", {}, "tar@1e-05: of pictures of the same person, the share that is found where 1 pair of strangers in 100,000 is taken for one; eer: where both errors are the same.") : null);
}

function rates({ table, threshold, encoder }) {
  const log = (pairs) => pairs.filter(([, rate]) => rate > 0).map(([at, rate]) => [at, Math.log10(rate)]);
  const zip = (from) => log((from?.similarity ?? []).map((at, i) => [at, (from.upper ?? from.fmr)[i]]));
  const power = (value) => (Number.isInteger(value) ? `10${value ? `⁻${"⁰¹²³⁴⁵⁶⁷⁸⁹"[-value]}` : "⁰"}` : (10 ** value).toPrecision(2));
  const all = [[`what this device goes by${table.of ? ` (${table.of})` : ""}`, log(table.points)], [encoder.fmr?.cohort ?? "the card", zip(encoder.fmr)]];
  if (String(all[0][1]) === String(all[1][1])) all.pop();
  return card("When a face is taken for another",
    h("p", {}, `A visitor counts as somebody from a similarity of ${threshold.cosine.toFixed(3)}: with ${threshold.templates} templates, a stranger gets in on at most ${small(threshold.false_accepts_per_visit)} visits.`, threshold.extrapolated ? " That is beyond what was measured: a straight line speaks there." : ""),
    plot({ title: "False matches by similarity", width: Math.min(560, innerWidth - 72), series: all.filter(([, points]) => points.length).map(([name, points]) => ({ name, points })), marks: [{ at: threshold.cosine, name: "threshold" }], x: { name: "similarity" }, y: { name: "share of strangers' pairs", from: -8, to: 0, say: power } }));
}

export async function show(place, me) {
  const told = await get("device/models"), { state, now, before } = told;
  const counts = Object.entries(state.templates ?? {}).map(([model, count]) => `${count} of ${model}`).join(", ");
  const under = doing();
  const file = field("Bundle", { type: "file", required: true }, "Made by latchkey admin bundle, signed by an owner's key; at most 16 MiB."), force = h("input", { type: "checkbox", id: "force" });
  const button = h("button", { class: "main" }, "Test it and bring it into force");

  async function carried(verb, args, words) {
    try {
      const done = await work(verb, args, under.tell);
      under.say(done.already ? "These models are in force already." : words(done));
      note("The device starts again with them: sign in again in a few seconds.");
    } catch (error) {
      under.say(error.code === "away" ? "The device starts again: sign in again in a few seconds." : `Nothing was changed: ${error.message}`);
    }
  }
  async function update() {
    const data = await file.control.files[0].arrayBuffer(), id = newId();
    if (data.byteLength > 17 * PART) return under.say("That is larger than a bundle can be.");
    const parts = [...Array(Math.ceil(data.byteLength / PART) || 1).keys()].map((each) => data.slice(each * PART, (each + 1) * PART));
    const hashes = await Promise.all(parts.map(async (part) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", part))].map((each) => each.toString(16).padStart(2, "0")).join("")));
    await ask("parts", { id_of: id, parts: hashes });
    for (const [each, part] of parts.entries()) {
      await send("PUT", `parts/update_model/${id}/${each + 1}/${parts.length}`, part);
      under.tell({ done: each + 1, of: parts.length, note: "sending" });
    }
    return carried("update_model", { id, parts: hashes, force: force.checked }, (done) => `${done.encoder} is in force: ${done.templates} templates of ${done.people} people made anew. Self-test: lowest similarity ${done.tested?.lowest_cosine ?? "?"}, ${done.tested?.milliseconds ?? "?"} ms a face.${done.left ? ` ${done.left} templates stay of another: those people have to be enrolled again.` : ""}`);
  }
  async function back(event) {
    if (await dialog("Bring the models before back?", h("p", {}, "Everybody stays enrolled; who was enrolled since is shown to the old encoder again, where a picture was kept. The device starts again, and you sign in again."), { yes: "Bring back", danger: true })) await under.during(event.target, () => carried("rollback_model", {}, (done) => `${done.encoder} is in force again.`));
  }

  put(place, h("div", { class: "columns" }, card("In force",
    facts([["Encoder", code(state.encoder)], ["Since", state.since ? when(state.since) : "as configured"], ["Proved", state.proved ? "yes" : "on probation for its first minute"], ["Templates", counts], ["Without a kept picture", state.without_crops && `${state.without_crops} people`], ["Before", before ? before.encoder?.id ?? before.problem : "none to go back to"]]), under.place,
    before && me.may("rollback_model") ? h("button", { class: "danger", onclick: back }, "Bring those before back") : null), now.problem ? h("p", { class: "bad" }, now.problem) : rates(now)),
  now.problem ? null : h("div", { class: "columns" }, model("Encoder", now.encoder), model("Detector", now.detector), model("Aligner", now.aligner)),
  before?.encoder ? h("details", { class: "card" }, h("summary", {}, "Those before"), model("Encoder before", before.encoder), model("Detector before", before.detector)) : null,
  me.may("update_model") ? h("form", { class: "card", onsubmit: (event) => { event.preventDefault(); under.during(button, update).catch(wrong); } }, h("h2", {}, "Other models"),
    h("p", {}, "Looked at, tested in a process of its own, then shown every picture that is kept, so that everybody stays enrolled. People of whom no picture is kept would have to be enrolled again: that is refused, unless you say so."),
    file, h("p", {}, force, " ", h("label", { for: "force" }, "Also where people have to be enrolled again")), button) : null);
}
