// What has been kept long enough: looked at first, then forgotten, with receipts.
import { ask } from "/admin/api.js";
import { dialog, h, note, put } from "/admin/dom.js";
import { card, code, wrong } from "/admin/views/device.js";

const KINDS = { events: "events of the door", attendance: "punches", audit: "rows of the audit", receipts: "receipts", unknown: "pictures of unknown people" };
const counted = (counts) => Object.entries(counts).map(([kind, count]) => h("li", {}, `${count} ${KINDS[kind] ?? kind}`));
const WHY = { left: "has left", visitor: "a visitor whose time is over" };

export async function show(place) {
  const [plan, said] = [h("div"), h("div", { role: "status" })];
  const button = h("button", { class: "danger", disabled: true, onclick: () => run().catch(wrong) }, "Forget it now");

  async function look() {
    const { counts, people } = await ask("retention", { dry_run: true });
    const rows = [...Object.entries(people).map(([person, rule]) => h("li", {}, h("strong", {}, person), `, ${WHY[rule] ?? rule}: all that is known`)), ...counted(counts)];
    button.disabled = !rows.length;
    put(plan, rows.length ? h("ul", {}, rows) : h("p", { class: "empty" }, "Nothing: all that is here is to be kept for now."));
  }
  async function run() {
    if (!(await dialog("Forget it now?", h("p", {}, "It cannot be brought back, nor by a backup on this device. Receipts say what went."), { yes: "Forget", danger: true }))) return;
    const done = await ask("retention").catch(async (error) => {
      if (error.code !== "clock_doubted") throw error;
      const vouch = await dialog("Is the clock right?", [h("p", {}, error.message), h("p", {}, `This computer says ${new Date().toLocaleString()}.`)], { yes: "It is: forget", danger: true });
      return vouch ? ask("retention", { at: new Date().toISOString() }) : null;
    });
    if (!done) return;
    const [people, removed] = [Object.entries(done.people), counted(done.removed)];
    put(said, h("h3", {}, "Forgotten"), h("ul", {}, people.map(([person, receipt]) => h("li", {}, h("strong", {}, person), ", receipt ", code(receipt))), removed, people.length + removed.length ? null : h("li", {}, "nothing")));
    note("Forgotten. The audit says so, with receipts.");
    await look();
  }
  put(place, card("Kept long enough",
    h("p", {}, "By the table [retention] of the configuration. The device does this by itself once a night, if its clock can be believed."), plan, h("p", {}, button), said));
  await look();
}
