// A week on which one drags: a row for each day and each kind of special day, from midnight to midnight.
import { h } from "/admin/dom.js";
import { DAY, STEP, read, say, tidy, write } from "/admin/views/rules/times.js";
import { button } from "/admin/views/rules/draft.js";
import { DAYS } from "/admin/views/rules.js";

const EDGE = 9; // pixels of a period's end that change it

// week: as the device says it, { keys: { "mon-fri": [...] }, days: [...] }; change(key, periods) has it made so
export function grid(week, change, alone) {
  const names = Object.keys(DAYS);
  const periods = Object.fromEntries(Object.entries(week.keys).map(([key, all]) => [key, all.map(read)]));
  const tracks = []; // { key, day, track }
  const rows = names.map((day, number) => row(week.days[number] ?? day, DAYS[day], day));
  const special = Object.keys(week.keys).filter((key) => !known(key)).map((key) => row(key, key, null));
  let waiting = null;
  for (const { key } of tracks) draw(key);
  return h("div", { class: "week" },
    h("p", { class: "soft", id: "week-help" }, "Drag on a row to add a period, drag a period to move it, its ends to change them. By keyboard: arrows move, Shift and arrows change the end, Delete removes, Enter goes to the fields below."),
    h("div", { class: "hours", "aria-hidden": "true" }, [0, 6, 12, 18, 24].map((hour) => h("span", { style: { left: `${hour / 0.24}%` } }, String(hour)))),
    rows, special.length ? h("p", { class: "soft" }, "On special days instead") : null, special);

  function row(key, name, day) {
    const track = h("div", { class: "track", data: { key }, onpointerdown: (event) => drag(event, key, track) });
    tracks.push({ key, day, track });
    const shared = day && key !== day && week.keys[key];
    return h("div", { class: "day", role: "group", "aria-label": shared ? `${name}, as ${key}` : name },
      h("span", { class: "name" }, name, shared ? h("small", {}, key) : null), track,
      shared ? button("alone", () => alone(day, key), { class: "quiet only", data: { next: `${day}/0` }, title: `Other periods on ${name} alone` }) : h("span", {}));
  }

  // All rows that have their periods from a key; what goes on after midnight is seen in the next row, too
  function draw(key) {
    for (const each of tracks) {
      const before = each.day && tracks.find((other) => other.day === names[(names.indexOf(each.day) + 6) % 7]);
      if (each.key !== key && before?.key !== key) continue;
      const over = before ? (periods[before.key] ?? []).filter(([, end]) => end > DAY) : [];
      const carried = over.map(([, end]) => shade([0, end - DAY], "carried"));
      each.track.replaceChildren(...carried, ...(periods[each.key] ?? []).map((period, number) => held(each.key, period, number)));
    }
  }
  function shade([start, end], kind) {
    return h("span", { class: kind, "aria-hidden": "true", style: { left: `${start / 14.4}%`, width: `${(Math.min(end, DAY) - start) / 14.4}%` } });
  }
  function held(key, [start, end], number) {
    return h("button", { type: "button", class: "period", data: { key, number, focus: `${key}/${number}` }, "aria-label": `${key}, ${say([start, end])}${end > DAY ? " the next day" : ""}`, "aria-describedby": "week-help",
      style: { left: `${start / 14.4}%`, width: `${(Math.min(end, DAY) - start) / 14.4}%` }, onkeydown: (event) => press(event, key, number) }, h("span", {}, say([start, end])));
  }

  function drag(event, key, track) {
    if (event.button) return;
    event.preventDefault();
    const box = track.getBoundingClientRect();
    const at = (x) => Math.round(((x - box.left) / box.width) * DAY / STEP) * STEP;
    const before = periods[key] ?? [], block = event.target.closest(".period");
    const own = block && before[Number(block.dataset.number)], others = before.filter((each) => each !== own);
    const edges = block?.getBoundingClientRect(), from = at(event.clientX);
    const end = own && edges.right - event.clientX < EDGE, start = own && !end && event.clientX - edges.left < EDGE;
    let now = own ?? null;
    track.setPointerCapture(event.pointerId);
    track.onpointermove = ({ clientX }) => {
      const by = at(clientX) - from, to = at(clientX);
      if (!own) now = [Math.max(0, Math.min(from, to)), Math.min(DAY, Math.max(from, to))];
      else if (end) now = [own[0], within(to, own[0] + STEP, own[0] + DAY)];
      else if (start) now = [within(to, 0, Math.min(own[1] - STEP, DAY - STEP)), own[1]];
      else now = [within(own[0] + by, 0, DAY - STEP), within(own[0] + by, 0, DAY - STEP) + own[1] - own[0]];
      periods[key] = tidy([...others, now].map((each) => [...each]));
      draw(key);
    };
    const over = (done) => {
      track.onpointermove = track.onpointerup = track.onpointercancel = null;
      if (!done) periods[key] = before;
      draw(key);
      if (done && JSON.stringify(periods[key] ?? []) !== JSON.stringify(before)) change(key, periods[key].map(write));
      else if (block) track.querySelector(`[data-number="${block.dataset.number}"]`)?.focus();
    };
    track.onpointerup = () => over(true);
    track.onpointercancel = () => over(false);
  }

  function press(event, key, number) {
    const [start, end] = periods[key][number], step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    const others = periods[key].filter((_, each) => each !== number);
    let now;
    if (step && event.shiftKey) now = [start, within(end + step, start + STEP, start + DAY)];
    else if (step) now = [within(start + step, 0, DAY - STEP), within(start + step, 0, DAY - STEP) + end - start];
    else if (event.key === "Enter") { document.querySelector(`[data-row="${CSS.escape(key)}"] input`)?.select(); event.preventDefault(); return; }
    else if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    const wanted = now ? [...others, now] : others;
    if (now && tidy(wanted.map((each) => [...each])).length < wanted.length) return; // stops before the next one
    periods[key] = wanted.sort((one, other) => one[0] - other[0]);
    const track = event.currentTarget.parentElement;
    draw(key);
    const place = Math.max(0, now ? periods[key].indexOf(now) : number - 1);
    track.querySelector(`[data-number="${place}"]`)?.focus();
    clearTimeout(waiting);
    waiting = setTimeout(() => change(key, periods[key].map(write)), 300); // several steps are one change
  }
}

export const known = (key) => key === "daily" || key.split("-").every((day) => day in DAYS);
const within = (value, low, high) => Math.min(high, Math.max(low, value));
