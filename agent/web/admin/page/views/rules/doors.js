// Doors and zones, as forms.
import { h, put } from "/admin/dom.js";
import { cards } from "/admin/views/rules/form.js";

export function show(place, draft) {
  const { defaults, choices } = draft.forms;
  const doors = [
    ["mode", "Mode", choices.mode, "Scheduled and first_person unlock in the schedule below; the latter once somebody has come who may."],
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
    ["anti_passback", "Entering twice", choices.anti_passback, "Soft: an alarm; hard: refused; timed: refused for a while."], ["timed_minutes", "For so long, minutes", "number", "With timed alone."],
    ["forget_hours", "Forgotten after hours", "number"], ["peers_silent", "Where another door is silent", ["allow", "deny"]], ["exempt", "Groups that it does not hold for", "names"],
  ];
  return () => put(place, h("h2", {}, "Doors"), h("p", { class: "soft" }, `A door is called as its device: this one is ${draft.here}. Some words need another: "scheduled" needs the schedule first, "timed" the minutes.`),
    cards(draft, "doors", doors, defaults.doors), h("h2", {}, "Zones"), cards(draft, "zones", zones, defaults.zones));
}
