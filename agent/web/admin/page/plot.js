// Plots as SVG, with a table of the same numbers for those who do not see them. Colours come from admin.css (--c1 ...).
import { h } from "/admin/dom.js";

// series: [{ name, points: [[x, y], ...], kind: "bars" | "line" | "dots" }], numbers; marks: [{ at, name }] across x
export function plot({ title, series, marks = [], x = {}, y = {}, height = 220, width = Math.min(640, innerWidth - 72) }) {
  const left = 44, right = 20, top = 10, bottom = 34;
  const all = series.flatMap((each) => each.points);
  if (!all.length) return h("figure", { class: "plot" }, h("figcaption", {}, title), h("p", { class: "empty" }, "Nothing yet."));
  const span = (told, which) => {
    const values = all.map((point) => point[which]).filter(Number.isFinite);
    if (which === 0) values.push(...marks.map((mark) => mark.at));
    const low = told.from ?? Math.min(...values), high = told.to ?? Math.max(...values);
    return [low, high > low ? high : low + 1];
  };
  const [x0, x1] = span(x, 0), [y0, y1] = span({ from: 0, ...y }, 1);
  const px = (value) => left + ((value - x0) / (x1 - x0)) * (width - left - right);
  const py = (value) => height - bottom - ((value - y0) / (y1 - y0)) * (height - top - bottom);
  const say = (told, value) => (told.say ?? ((each) => String(Math.round(each * 100) / 100)))(value);
  const steps = (low, high, count) => [...Array(count + 1).keys()].map((each) => low + ((high - low) * each) / count);
  const thick = Math.max(2, ((width - left - right) / Math.max(1, x1 - x0)) * (x.bin ?? 1) * 0.8);
  const drawn = series.map((each, number) => h("g", { class: `series c${number + 1}` }, draw(each)));

  function draw({ points, kind = "line", name }) {
    const tip = ([at, value]) => h("title", {}, `${name}: ${say(x, at)}, ${say(y, value)}`);
    if (kind === "bars") return points.map((point) => h("rect", { x: px(point[0]), y: py(point[1]), width: thick, height: Math.max(0, py(y0) - py(point[1])) }, tip(point)));
    if (kind === "dots") return points.map((point) => h("circle", { cx: px(point[0]), cy: py(point[1]), r: 3 }, tip(point)));
    return h("polyline", { points: points.map((point) => `${px(point[0])},${py(point[1])}`).join(" ") });
  }
  const name = (mark) => { // before its line where it would be cut off after it
    const at = px(mark.at), ends = at + 4 + 7 * mark.name.length > width;
    return h("text", { class: "mark", x: at + (ends ? -4 : 4), y: top + 10, "text-anchor": ends ? "end" : "start" }, mark.name);
  };
  const picture = h("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title },
    steps(y0, y1, 4).map((value) => [h("line", { class: "grid", x1: left, x2: width - right, y1: py(value), y2: py(value) }), h("text", { x: left - 6, y: py(value) + 4, "text-anchor": "end" }, say(y, value))]),
    (x.ticks ?? steps(x0, x1, 6)).map((value) => h("text", { x: px(value) + (x.bin ? thick / 2 : 0), y: height - bottom + 18, "text-anchor": "middle" }, say(x, value))),
    drawn,
    marks.map((mark) => [h("line", { class: "mark", x1: px(mark.at), x2: px(mark.at), y1: top, y2: height - bottom }), name(mark)]));
  const names = h("p", { class: "legend" }, series.map((each, number) => h("span", { class: `c${number + 1}` }, each.name)));
  const rows = series.flatMap((each) => each.points.slice(0, 400).map((point) => h("tr", {}, h("td", {}, each.name), h("td", {}, say(x, point[0])), h("td", {}, say(y, point[1])))));
  const numbers = h("details", {}, h("summary", {}, "As a table"), h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": title }, h("table", {}, h("thead", {}, h("tr", {}, ["", x.name ?? "", y.name ?? ""].map((each) => h("th", {}, each)))), h("tbody", {}, rows))));
  return h("figure", { class: "plot" }, h("figcaption", {}, title), picture, series.length > 1 ? names : null, numbers);
}
