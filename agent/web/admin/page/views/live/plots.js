// The numbers of the last days: how alike visitors were, who comes when, how the device was.
import { get } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";
import { plot } from "/admin/plot.js";

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HEALTH = [["fps", "Frames a second", 1], ["latency_ms", "Milliseconds for a frame with a face", 1], ["frames_dropped", "Frames dropped between two samples", 1], ["temperature_celsius", "Temperature, °C", 1], ["memory_bytes", "Memory of the agent, MB", 1e6], ["disk_free_bytes", "Free on the disk, GB", 1e9], ["outbox_depth", "Events that wait for the broker", 1]];

export async function show(place) {
  const days = field("Of the last", { tag: "select", onchange: load, value: "14", options: [1, 7, 14, 30, 90].map((each) => [each, each === 1 ? "day" : `${each} days`]) });
  const drawn = h("div");
  put(place, h("div", { class: "bar" }, days), drawn);
  await load();

  async function load() {
    const told = await get(`live/figures?days=${days.control.value}`);
    const bars = (points, name) => ({ name, points, kind: "bars" });
    const marks = told.threshold === null ? [] : [{ at: told.threshold, name: `threshold ${told.threshold.toFixed(2)}` }];
    const known = told.genuine.length + told.unknown.length;
    put(drawn,
      h("section", { class: "card" }, plot({ title: "Similarity of visitors: known, and unknown", width: Math.min(1150, innerWidth - 72), series: known ? [bars(told.genuine, "known"), bars(told.unknown, "unknown")] : [], marks, x: { from: -0.2, to: 1, bin: told.bin, ticks: [-0.2, 0, 0.2, 0.4, 0.6, 0.8], name: "Similarity from" }, y: { name: "Visits", to: 4 * Math.ceil(Math.max(1, ...[...told.genuine, ...told.unknown].map(([, count]) => count)) / 4) } }),
        h("p", { class: "soft" }, `${told.decisions} decisions${told.all ? "" : ", the latest of them"}; matches that were taken back are left out.${told.thresholds > 1 ? " The threshold was another before." : ""} Well apart is good: where the two meet, the door is mistaken about somebody.`)),
      h("section", { class: "card" }, h("h2", {}, "Arrivals by weekday and hour"), arrivals(told.arrivals)),
      h("div", { class: "columns" }, HEALTH.map(([name, title, unit]) => h("section", { class: "card" }, line(told, name, title, unit)))));
  }
}

// Only the hours in which anybody comes, and one around them
function arrivals(table) {
  const busy = [...Array(24).keys()].filter((hour) => table.some((hours) => hours[hour]));
  if (!busy.length) return h("p", { class: "empty" }, "Nothing yet.");
  const hours = [...Array(24).keys()].slice(Math.max(0, busy[0] - 1), busy.at(-1) + 2), most = Math.max(...table.flat());
  const cell = (count) => h("td", { class: "number heat", style: { "--heat": `${Math.round((count / most) * 45)}%` } }, count || "");
  return h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Arrivals" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Day"), hours.map((hour) => h("th", { scope: "col", class: "number" }, `${hour}:00`)))),
    h("tbody", {}, table.map((row, day) => h("tr", {}, h("th", { scope: "row" }, DAYS[day]), hours.map((hour) => cell(row[hour])))))));
}

function line({ health, days }, name, title, unit) {
  const points = health.filter((each) => each[name] !== null).map((each) => [Date.parse(each.at), each[name] / unit]);
  const say = (at) => new Date(at).toLocaleString(undefined, days > 1 ? { day: "numeric", month: "short" } : { timeStyle: "short" });
  const [first, last] = [points[0]?.[0], points.at(-1)?.[0]], ticks = [0, 1, 2, 3].map((part) => first + ((last - first) * part) / 3);
  return plot({ title, series: points.length ? [{ name: title, points, kind: points.length > 1 ? "line" : "dots" }] : [], x: { say, ticks, name: "When" }, y: { name: title }, height: 180, width: Math.min(420, innerWidth - 72) });
}
