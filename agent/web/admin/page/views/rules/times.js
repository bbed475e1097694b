// Periods as numbers of minutes, [start, end]; a period that goes on after midnight ends beyond 1440.

export const DAY = 1440, STEP = 15;

export function read(text) {
  const [start, end] = text.split("-").map((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
  return [start, end <= start ? end + DAY : end];
}
const clock = (minutes) => {
  const within = minutes === DAY ? DAY : minutes % DAY;
  return `${String(Math.floor(within / 60)).padStart(2, "0")}:${String(within % 60).padStart(2, "0")}`;
};
export const write = ([start, end]) => `${clock(start)}-${clock(end)}`;
export const say = ([start, end]) => `${clock(start)}–${clock(end)}`;

// In order; those that overlap are one
export function tidy(periods) {
  const made = [];
  for (const [start, end] of periods.filter(([from, to]) => to > from).sort((one, other) => one[0] - other[0])) {
    const last = made.at(-1);
    if (last && start < last[1]) last[1] = Math.max(last[1], end);
    else made.push([start, end]);
  }
  for (const each of made) each[1] = Math.min(each[1], each[0] + DAY);
  return made;
}
