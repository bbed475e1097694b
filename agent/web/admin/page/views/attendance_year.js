// The balance of a person over a year: a square a day, and the months in words.
import { h } from "/admin/dom.js";
import { balance, dayName, hm } from "/admin/views/attendance_parts.js";

export function heat(year, days) {
  if (!days.some(([, worked, , planned]) => worked || planned)) return h("p", { class: "empty" }, "Nothing yet.");
  const first = (new Date(`${year}-01-01T12:00Z`).getUTCDay() + 6) % 7; // Monday is 0
  const sum = new Map();
  const squares = days.map(([day, worked, over, planned, kind]) => {
    const number = first + Math.round((Date.parse(`${day}T12:00Z`) - Date.parse(`${year}-01-01T12:00Z`)) / 86400000);
    const month = sum.get(day.slice(0, 7)) ?? [0, 0];
    sum.set(day.slice(0, 7), [month[0] + worked, month[1] + (planned || worked ? over : 0)]);
    const strong = Math.min(1, 0.25 + Math.abs(over) / 14400); // four hours are as strong as it gets
    return h("rect", { class: !worked && !planned ? "soft" : over >= 60 ? "good" : over <= -60 ? "bad" : "even", x: Math.floor(number / 7) * 12, y: (number % 7) * 12, width: 10, height: 10, rx: 2,
      style: { "fill-opacity": over ? strong : 0.3 } }, h("title", {}, `${dayName(day)}: worked ${hm(worked)}, balance ${hm(over, true)}${kind ? `, ${kind}` : ""}`));
  });
  const rows = [...sum].filter(([, [worked, over]]) => worked || over).map(([month, [worked, over]]) => h("tr", {}, h("td", {}, dayName(`${month}-01`, { month: "long" })), h("td", { class: "number" }, hm(worked)), h("td", { class: "number" }, balance(over))));
  return [
    h("svg", { class: "heat", viewBox: "0 0 648 84", role: "img", "aria-label": `The balance of each day of ${year}; the months are in the table below` }, squares),
    h("p", { class: "soft" }, "A column a week, Monday first: green is beyond the plan, red below."),
    h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", {}, "Month"), ["Worked", "Balance"].map((name) => h("th", { class: "number" }, name)))), h("tbody", {}, rows))];
}
