// Doors and zones, as forms.
import { h, put } from "/admin/dom.js";
import { MODES, PASSBACK, SILENT } from "/admin/words.js";
import { cards, said } from "/admin/views/rules/form.js";

export function show(place, draft) {
  const { defaults, choices } = draft.forms;
  const doors = [
    ["mode", "Mode", said(choices.mode, MODES), "What goes by the schedule goes by the one in which the door is unlocked."],
    ["unlocked", "Unlocked in", "schedules"],
    ["factors", "To be shown", "text", `One of ${choices.factors.join(", ")}; several with commas: either is enough.`],
    ["two_person", "Two people in", "schedules"],
    ["two_person_seconds", "For the second to come, seconds", "number"],
    ["enters", "Enters the zone", "zones"], ["leaves", "Leaves the zone", "zones"],
    ["passes_on_opening", "Through only once the door opens", "yes"],
    ["interlock", "Doors that have to be closed", "names"],
    ["modes_by", "Who may change the mode", "names", "cli, mqtt, and groups at the door."],
    ["pulse_seconds", "Unlocked for, seconds", "number", "Empty: as the device is configured."], ["extended_seconds", "For people who need longer, seconds", "number"],
    ["factor_seconds", "To show what is asked for, seconds", "number"], ["signature_seconds", "To sign on the screen, seconds", "number"],
    ["pin_every_hours", "PIN after so many hours without", "number"],
    ["failures", "Wrong PINs or cards until a lock-out", "number"], ["lockout_seconds", "First lock-out, seconds", "number"], ["longest_lockout_seconds", "Longest lock-out, seconds", "number"],
  ];
  const zones = [
    ["anti_passback", "Entering twice", said(choices.anti_passback, PASSBACK)], ["timed_minutes", "For so long, minutes", "number", "Where it is refused for a while."],
    ["forget_hours", "Forgotten after hours", "number"], ["peers_silent", "Where another door is silent", Object.entries(SILENT)], ["exempt", "Groups that it does not hold for", "names"],
  ];
  return () => put(place, h("h2", {}, "Doors"), h("p", { class: "soft" }, `A door is called as its device: this one is ${draft.here}.`),
    cards(draft, "doors", doors, defaults.doors), h("h2", {}, "Zones"), cards(draft, "zones", zones, defaults.zones));
}
