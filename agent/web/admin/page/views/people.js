// Who is known here: looked for, filtered and listed; and the way to everything that is done with people.
import { get } from "/admin/api.js";
import { day, field, h, put } from "/admin/dom.js";
import { address, refuse, stateTag } from "/admin/views/people_parts.js";

export const title = "People";
const PAGE = 50;
const STATES = ["active", "suspended", "blocked", "left"];
const ORDERS = [["name", "Name"], ["id", "Id"], ["newest", "Enrolled last"], ["ends", "Ends first"]];
const LACKS = [["consent", "No consent"], ["template", "No face"], ["time", "Ends within 30 days"]];
const MORE = { one: "people_one", enrol: "people_enrol", table: "people_table", receipts: "people_receipts" };
const asked = { search: "", group: "", state: "", lacks: "", order: "name", offset: 0 }; // as it was when one comes back

export async function show(place, me, [what, ...rest]) {
  if (MORE[what]) return (await import(`/admin/views/${MORE[what]}.js`)).show(place, me, rest);
  const about = await get("people/about");
  const chips = h("div", { class: "bar", role: "group", "aria-label": "What is lacking" });
  const count = h("p", { class: "soft", role: "status" });
  const list = h("div", {}), pager = h("nav", { class: "bar", "aria-label": "Pages" });
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
      count.textContent = told.count ? `${offset + 1} to ${last} of ${told.count}` : "Nobody";
      put(list, told.people.length ? table(told.people) : h("p", { class: "empty" }, about.people ? "Nobody is like that." : "Nobody is known here yet."));
      const turnTo = (name, to, possible) => h("button", { disabled: !possible, onclick: () => { set({ offset: to }); count.scrollIntoView({ block: "nearest" }); } }, name);
      put(pager, told.count > PAGE && [turnTo("Earlier", offset - PAGE, offset > 0), turnTo("Later", offset + PAGE, last < told.count)]);
    } catch (error) {
      if (error.name !== "AbortError") refuse(error);
    }
  }
  const chosen = (label, name, options) => field(label, { tag: "select", value: asked[name], options, onchange: (event) => set({ [name]: event.target.value }) });
  put(chips, [["", "Everybody", about.people], ...LACKS.map(([value, name]) => [value, name, about.lacks[value]])]
    .map(([value, name, number]) => h("button", { value, class: "chip", onclick: () => set({ lacks: value }) }, `${name} `, h("b", {}, number))));
  put(place,
    h("div", { class: "bar spread" }, h("h1", {}, title), h("div", { class: "bar" },
      me.may("enrol") && h("a", { class: "button", href: "#/people/enrol" }, "Enrol somebody"),
      me.may("person_set") && h("a", { class: "button", href: "#/people/table" }, "From a table"),
      me.may("receipts") && h("a", { class: "button", href: "#/people/receipts" }, "Receipts"))),
    chips,
    h("div", { class: "bar" },
      field("Search", { type: "search", value: asked.search, placeholder: "Name, id or badge number", maxlength: "128", oninput: (event) => {
        clearTimeout(waiting);
        waiting = setTimeout(() => set({ search: event.target.value.trim() }), 200);
      } }),
      chosen("Group", "group", [["", "All"], ...Object.entries(about.groups).map(([name, number]) => [name, `${name} (${number})`])]),
      chosen("State", "state", [["", "All"], ...STATES.map((each) => [each, `${each} (${about.states[each] ?? 0})`])]),
      chosen("Sorted by", "order", ORDERS)),
    count, list, pager);
  set({ offset: asked.offset });
  return () => { clearTimeout(waiting); turn?.abort(); };
}

function table(people) {
  const rows = people.map((each) => h("tr", {},
    h("td", {}, h("a", { href: address(each.id) }, each.name), each.name !== each.id && h("small", {}, h("br"), each.id)),
    h("td", { class: "wide" }, each.badge),
    h("td", { class: "wide" }, each.groups.join(", ")),
    h("td", {}, tags(each))));
  return h("div", { class: "card scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, [["Name"], ["Badge", "wide"], ["Groups", "wide"], ["Standing"]].map(([name, kind]) => h("th", { scope: "col", class: kind }, name)))),
    h("tbody", {}, rows)));
}

function tags(each) {
  const tag = (text, kind) => h("span", { class: `tag ${kind}` }, text);
  return h("span", { class: "tags" },
    stateTag(each.state),
    each.visitor && tag("visitor", "soft"),
    each.consent === false ? tag("consent withdrawn", "bad") : each.consent === null && tag("no consent", "warn"),
    !each.known && tag(each.templates ? "face of another model" : "no face", "warn"),
    each.valid_to && tag(`${new Date(each.valid_to) < Date.now() ? "ended" : "until"} ${day(each.valid_to)}`, new Date(each.valid_to) < Date.now() ? "bad" : "soft"));
}
