// Whose commands are carried out over MQTT, and what the fleet wants of this device.
import { ask } from "/admin/api.js";
import { $, dialog, h, note, put, when } from "/admin/dom.js";
import { card, code, facts, wrong } from "/admin/views/device.js";

export async function show(place, me) {
  const [{ keys }, own, roster] = await Promise.all([ask("keys"), ask("device"), ask("roster")]);
  const revoke = async (key) => {
    if (!(await dialog(`Let ${key.name}'s key count no more?`, h("p", {}, "From the next command on, and for good: the key does not come back. Jobs that it has asked for are given up."), { yes: "Revoke", danger: true }))) return;
    try {
      await ask("key_revoke", { id_of: key.id });
      note(`${key.name}'s key counts no more.`);
      await show(place, me);
      $("main").focus();
    } catch (error) { wrong(error); }
  };
  put(place, card("Admins' keys",
    keys.length ? h("ul", { class: "findings" }, keys.map((key) => h("li", {}, h("span", { class: `tag ${key.revoked_at ? "bad" : "good"}` }, key.revoked_at ? "revoked" : key.role),
      h("span", {}, h("strong", {}, key.name), " ", code(key.id), h("br"), h("small", {}, key.revoked_at ? `${key.role}, revoked ${when(key.revoked_at)}` : key.added_at ? `since ${when(key.added_at)}, by ${key.added_by}` : "stands in the configuration")),
      me.may("key_revoke") && !key.revoked_at && key.added_by !== "configuration" ? h("button", { class: "danger", onclick: () => revoke(key), "aria-label": `Revoke ${key.name}'s key` }, "Revoke") : null))) : h("p", { class: "empty" }, "None: the device waits to be paired."),
    h("small", {}, "Others are let in, and keys exchanged, by latchkey admin key, where the keys are.")),
  h("div", { class: "columns" }, card("The device's own key", facts([["Id", code(own.key)], ["Public", code(own.public)]]), h("small", {}, "What it says over MQTT is signed by it: latchkey admin devices trust compares the id.")),
    card("Roster of the fleet", roster.enabled ? [facts([["Read up to", `${roster.cursor} of ${roster.head ?? "?"}`], ["Service", roster.service], ["Groups", roster.groups.join(", ")], ["Holds", Object.entries(roster.objects).map(([kind, count]) => `${count} ${kind}`).join(", ")], ["Trouble", roster.trouble]]),
      h("ul", {}, roster.problems.map((each) => h("li", { class: "bad" }, `${each.object}, version ${each.version}: ${each.message}`)))] : h("p", { class: "empty" }, "Not followed: [roster] enabled is off."))));
}
