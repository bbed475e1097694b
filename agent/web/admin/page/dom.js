// Elements without innerHTML: h("button", { class: "main", onclick: save }, "Save")

export const $ = (id) => document.getElementById(id);

export function h(tag, told = {}, ...inside) {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text", "title", "polyline"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(told)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.setAttribute("class", value);
    else if (key === "data") Object.assign(made.dataset, value);
    else if (key === "style") for (const [name, each] of Object.entries(value)) made.style.setProperty(name, each);
    else if (key in made && !svg && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

export function put(place, ...inside) {
  place.replaceChildren(...inside.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return place;
}

let number = 0;
// A field with its label and, where there is one, a line that explains it: field("Name", { value }, "for humans")
export function field(label, told = {}, help = "") {
  const id = `f${(number += 1)}`;
  const { tag = "input", options, ...rest } = told;
  const helped = help ? { "aria-describedby": `${id}-help` } : {};
  const control = h(tag, { id, ...helped, ...rest }, ...(options ?? []).map(([value, text]) => h("option", { value, selected: String(value) === String(rest.value) }, text)));
  const row = h("p", { class: "field" }, h("label", { for: id }, label), control, help ? h("small", { id: `${id}-help` }, help) : null);
  row.control = control;
  return row;
}

// Says at a field why it was not taken; "": nothing is wrong with it (any more)
export function refused({ control }, why = "") {
  const helped = control.getAttribute("aria-describedby")?.split(" ").filter((id) => id !== `${control.id}-wrong`) ?? [];
  $(`${control.id}-wrong`)?.remove();
  control.toggleAttribute("aria-invalid", false);
  if (why) {
    control.setAttribute("aria-invalid", "true");
    control.after(h("small", { class: "bad", id: `${control.id}-wrong`, role: "alert" }, why));
    helped.unshift(`${control.id}-wrong`);
  }
  control.setAttribute("aria-describedby", helped.join(" "));
}

// A question before something that cannot be taken back. Resolves to what the form holds, or null. No `no`: only told.
export function dialog(title, inside, { yes = "Save", no = "Cancel", danger = false } = {}) {
  return new Promise((resolve) => {
    const form = h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, title), ...[inside].flat(),
      h("p", { class: "buttons" },
        no && h("button", { type: "button", onclick: () => box.close() }, no),
        h("button", { class: danger ? "main danger" : "main", value: "yes" }, yes)));
    const box = h("dialog", { "aria-labelledby": "dialog-title" }, form);
    box.addEventListener("close", () => {
      const told = box.returnValue === "yes" ? new FormData(form) : null;
      box.remove();
      resolve(told);
    });
    document.body.append(box);
    box.showModal();
  });
}

// A line that says what was done, or why not; gone after a while. What went wrong stays until it is closed.
export function note(text, kind = "done") {
  const line = h("p", { class: `note ${kind}` }, h("span", {}, text), h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => line.remove() }, "×"));
  [...$("notes").children].find((each) => each.textContent === line.textContent)?.remove();
  $("notes").append(line);
  if (kind === "done") setTimeout(() => line.remove(), 6000);
}

export const when = (at) => at ? new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "";
export const day = (at) => at ? new Date(at).toLocaleDateString(undefined, { dateStyle: "medium" }) : "";
export const clock = (at) => at ? new Date(at).toLocaleTimeString(undefined, { timeStyle: "short" }) : "";
// What a field of the kind datetime-local holds: by the clock of this browser, to the minute
export const local = (at) => at ? new Date(new Date(at) - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "";

// A file that was made here, for this computer
export function save(name, text, type = "application/json") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
