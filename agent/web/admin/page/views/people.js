// Who is known here: looked for, filtered and listed; and the way to everything that is done with people.
import { get } from "/admin/api.js";
import { day, field, h, put } from "/admin/dom.js";
import { one, refuse, stateTag, table, tag } from "/admin/views/people_parts.js";

export const title = "People";
const PAGE = 50;
const STATES = ["active", "suspended", "blocked", "left"];
const ORDERS = [["name", "Name"], ["id", "Id"], ["newest", "Enrolled last"], ["ends", "Ends first"]];
const LACKS = [["consent", "No consent"], ["template", "No face"], ["time", "Ends within 30 days"]];
const asked = { search: "", group: "", state: "", lacks: "", order: "name", offset: 0 }; // as it was when one comes back

export async function show(place, me, [what, ...rest]) {
  if (["one", "enrol", "table", "receipts"].includes(what)) return (await import(`/admin/views/people_${what}.js`)).show(place, me, rest);
  const about = await get("people/about");
  const count = h("p", { class: "soft", role: "status", tabindex: -1 }), list = h("div", {}), pager = h("nav", { class: "bar", "aria-label": "Pages" });
  let waiting, turn;

  function set(change) {
    Object.assign(asked, { offset: 0 }, change);
    for (const chip of chips.children) chip.setAttribute("aria-pressed", chip.value === asked.lacks);
    load();
  }
  async function load() {
    turn?.abort();
    turn = new AbortController();
    const query = new URLSearchParams(Object.entries({ ...asked, limit: PAGE }).filter(([, value]) => value !== ""));
    try {
      const told = await get(`people?${query}`, turn.signal);
      const { offset } = asked, last = offset + told.people.length;
      count.textContent = last ? `${offset + 1} to ${last} of ${told.count}` : "Nobody";
      put(list, told.people.length ? table(["Name", "Badge", "Groups", "Standing"], told.people.map(row)) : h("p", { class: "empty" }, about.people ? "Nobody is like that." : "Nobody is known here yet."));
      const turnTo = (name, to, possible) => h("button", { disabled: !possible, onclick: () => { set({ offset: to }); count.focus(); } }, name);
      put(pager, told.count > PAGE && [turnTo("Earlier", offset - PAGE, offset > 0), turnTo("Later", offset + PAGE, last < told.count)]);
    } catch (error) {
      if (error.name !== "AbortError") refuse(error);
    }
  }
  const chosen = (label, name, options) => field(label, { tag: "select", value: asked[name], options, onchange: (event) => set({ [name]: event.target.value }) });
  const way = (verb, path, name) => me.may(verb) && h("a", { class: "button", href: `#/people/${path}` }, name);
  const chips = h("div", { class: "bar", role: "group", "aria-label": "What is lacking" }, [["", "Everybody", about.people], ...LACKS.map(([value, name]) => [value, name, about.lacks[value]])]
    .map(([value, name, number]) => h("button", { value, class: "chip", onclick: () => set({ lacks: value }) }, `${name} `, h("b", {}, number))));
  put(place,
    h("div", { class: "bar spread" }, h("h1", {}, title), h("div", { class: "bar" }, way("enrol", "enrol", "Enrol somebody"), way("person_set", "table", "From a table"), way("receipts", "receipts", "Receipts"))),
    chips,
    h("div", { class: "bar" },
      field("Search", { type: "search", value: asked.search, placeholder: "Name, id, badge", maxlength: "128", oninput: ({ target }) => {
        clearTimeout(waiting);
        waiting = setTimeout(() => set({ search: target.value.trim() }), 200);
      } }),
      chosen("Group", "group", [["", "All"], ...Object.entries(about.groups).map(([name, number]) => [name, `${name} (${number})`])]),
      chosen("State", "state", [["", "All"], ...STATES.map((each) => [each, `${each} (${about.states[each] ?? 0})`])]),
      chosen("Sorted by", "order", ORDERS)),
    count, list, pager);
  set({ offset: asked.offset });
  return () => { clearTimeout(waiting); turn?.abort(); };
}

function row(each) {
  const ended = new Date(each.valid_to) < Date.now();
  const tags = [
    each.state !== "active" && stateTag(each.state),
    each.visitor && tag("visitor"),
    !each.consent && (each.consent === false ? tag("consent withdrawn", "bad") : tag("no consent", "warn")),
    !each.known && tag(each.templates ? "face of another model" : "no face", "warn"),
    each.valid_to && tag(`${ended ? "ended" : "until"} ${day(each.valid_to)}`, ended ? "bad" : "soft"),
  ].filter(Boolean);
  return h("tr", {},
    h("td", {}, h("a", { href: `#/${one(each.id)}` }, each.name), each.name !== each.id && h("small", {}, h("br"), each.id)),
    h("td", { class: "wide" }, each.badge), h("td", { class: "wide" }, each.groups.join(", ")),
    h("td", {}, h("span", { class: "tags" }, tags.length ? tags : stateTag(each.state))));
}
