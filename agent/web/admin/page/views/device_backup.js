// A backup, encrypted to a key whose secret half the device never sees. Putting one back is for the command line.
import { get, newId, work } from "/admin/api.js";
import { field, h, note, put, save, when } from "/admin/dom.js";
import { card, code, doing, size } from "/admin/views/device.js";

const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

export async function show(place) {
  const told = await get("device");
  const to = field("Public backup key", { required: true, pattern: "latchkey-backup:[A-Za-z0-9+\\/]{43}=", placeholder: "latchkey-backup:...", autocomplete: "off", spellcheck: "false" }, "Printed by latchkey backup-key. Who has the secret half of it can open the backup, nobody else.");
  const under = doing(), [made, button] = [h("div"), h("button", { class: "main" }, "Back up now")];

  async function pair() {
    try {
      const key = await crypto.subtle.generateKey("X25519", true, ["deriveBits"]);
      const [open, secret] = [await crypto.subtle.exportKey("raw", key.publicKey), (await crypto.subtle.exportKey("pkcs8", key.privateKey)).slice(-32)];
      save("latchkey-backup.key", `LATCHKEY-BACKUP-SECRET:${base64(secret)}\n`, "text/plain");
      to.control.value = `latchkey-backup:${base64(open)}`;
      note("The secret half is saved as latchkey-backup.key. Keep it apart from the device, with a copy: without it no backup opens.");
    } catch {
      note("This browser cannot make such keys: run latchkey backup-key owner-backup.key on your computer.", "wrong");
    }
  }
  async function backup() {
    const id = newId();
    try {
      const done = await work("backup", { id, to: to.control.value.trim() }, under.tell);
      under.say(`Made: ${size(done.bytes)}. It waits on the device for an hour.`);
      put(made, h("p", {}, h("a", { class: "button", href: `/admin/api/device/backup/${id}`, download: "" }, "Save the backup")), h("p", { class: "anchor" }, h("small", {}, "SHA-256, to compare (sha256sum): "), code(done.sha256)));
      made.querySelector("a").focus();
    } catch (error) { under.say(error.message); }
  }
  put(place, h("form", { class: "card", onsubmit: (event) => { event.preventDefault(); under.during(button, backup); } }, h("h2", {}, "Make one"),
    h("p", {}, "Everything that makes this device: people and templates, rules, hours, the audit, its keys, its configuration, its models. Whoever opens it is the device: keep it well. Last made here: ", told.backed_up ? when(told.backed_up) : "never, as far as is known", "."),
    to, h("p", { class: "bar" }, button, h("button", { type: "button", onclick: pair }, "Make a new pair of keys")),
    h("small", {}, "The pair is made in this browser and the secret half saved on this computer; it is not sent to the device. Who does not trust this page uses the command line."), under.place, made),
  card("Put one back",
    h("p", {}, "Not on this page: it would need the secret half of your key, which no device should see. On your computer, over the broker:"),
    h("pre", { tabindex: "0" }, `latchkey admin restore ${told.device} ${told.device}.backup`),
    h("p", {}, "Or on the device, with the agent stopped:"),
    h("pre", { tabindex: "0" }, "chmod 600 latchkey-backup.key\nsudo systemctl stop latchkey\nlatchkey restore door.backup --key latchkey-backup.key\nsudo systemctl start latchkey"),
    h("p", {}, "Who was forgotten since stays forgotten, and a key that was revoked stays revoked, as far as the device still knows. On a new card it does not: forget these people again, by the receipts in the audit. What other files hold, certificates and passwords, is in no backup (deploy/UPGRADES.md).")));
}
