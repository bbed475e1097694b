// What the words of the rules mean, for people: the same in every view that shows them.
export const MODES = { normal: "Normal, locked between visits", scheduled: "Unlocked by the schedule", first_person: "Unlocked by the schedule, once somebody is in", free_access: "Unlocked for everybody", locked_down: "Locked down: nobody gets in" };
export const PASSBACK = { off: "Let in", soft: "Let in, with an alarm", hard: "Refused", timed: "Refused for a while" };
export const SILENT = { allow: "Let in all the same", deny: "Refused" };
export const PUNCHES = { key: "The key that was pressed", schedule: "The time of day, by by_schedule in the text", toggle: "The opposite of the last one", first_last: "In for the first of a day, out for the last", fixed: "Always the same, by fixed in the text" };
export const lower = (text) => text[0].toLowerCase() + text.slice(1); // within a sentence
