// What the views about people share: files in and out, photos made small, and what went wrong in words.
import { field, h, note } from "/admin/dom.js";

const LONG_SIDE = 1600, ENOUGH = 400_000, LARGEST = 8 * 2 ** 20, THUMB = 160;
const GROUPS = 20; // that are named beside the field
const ADVICE = {
  no_face: "Take one with the face in it.", two_faces: "Cut it to one person.", too_small: "Go closer.",
  too_blurred: "Hold still, in more light.", too_dark: "Take it in more light.", too_bright: "Take it out of the sun.",
  turned_away: "Look into the camera.", low_contrast: "Clean the lens, or turn away from the lamp.",
  duplicate_person: "Add these photos there, or merge the two.", no_consent: "Here: tick that they have agreed.", different_people: "Take away whichever is of another.",
};

export const ID = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}";
export const one = (id) => `people/one/${encodeURIComponent(id)}`;
export const back = (href = "people", name = "People") => h("p", {}, h("a", { href: `#/${href}` }, `← ${name}`));
export const tag = (text, kind = "soft") => h("span", { class: `tag ${kind}` }, text);
export const stateTag = (state) => tag(state, { active: "good", suspended: "warn" }[state] ?? "bad");
export const words = (text) => text.split(/[,;]/).map((each) => each.trim()).filter(Boolean).sort();
export const advice = (code) => ADVICE[code] ?? "";
export const card = (title, ...inside) => h("section", { class: "card" }, h("h2", {}, title), inside);
export const lines = (each, none) => each.length ? h("ul", { class: "lines" }, each) : h("p", { class: "soft" }, none);
export const table = (heads, rows) => h("div", { class: "card scroll" }, h("table", {},
  h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col", class: /Badge|Groups/.test(name) && "wide" }, name)))), h("tbody", {}, rows)));
export function groupsField({ groups }, told) {
  const all = Object.keys(groups).sort((one, other) => groups[other] - groups[one]), more = all.length - GROUPS;
  return field("Groups", { name: "groups", ...told }, `Parted by commas. There are: ${all.slice(0, GROUPS).join(", ") || "none yet"}${more > 0 ? `, and ${more} smaller ones` : ""}.`);
}

export function box(label, told) {
  const control = h("input", { type: "checkbox", ...told });
  return Object.assign(h("p", {}, h("label", {}, control, ` ${label}`)), { control });
}

export function refuse(error) {
  if (error.status !== 401) note(`${error.message} ${advice(error.code)}`, "wrong");
}

// Does something, with its button off meanwhile, and says that it is done, or why not; null then
export async function act(doing, done, button = {}, refused = refuse) {
  const held = document.activeElement === button; // who is disabled loses the focus
  button.disabled = true;
  try {
    const told = await doing();
    if (done) note(done);
    return told ?? true;
  } catch (error) {
    if (error.status === undefined) throw error;
    refused(error);
    return null;
  } finally {
    button.disabled = false;
    if (held) button.focus();
  }
}

// A place to drop files on, which is a file chooser as well
export function drop(label, accept, take) {
  const over = (event) => { event.preventDefault(); place.classList.toggle("over", event.type === "dragover"); };
  const place = h("label", { class: "drop", ondragover: over, ondragleave: over, ondrop: (event) => { over(event); take([...event.dataTransfer.files]); } },
    h("span", {}, label), h("input", { type: "file", multiple: true, accept, onchange: ({ target }) => { take([...target.files]); target.value = ""; } }));
  return place;
}

// A photo as it is sent: its long side 1600 pixels at the most, in base64; with a small canvas of it to look at
export async function shrunk(file) {
  const picture = file.size < 6 * LARGEST ? await createImageBitmap(file).catch(() => null) : null;
  if (!picture) return file.size <= LARGEST ? { photo: await base64(file) } : {}; // the device says what it is
  const { width, height } = picture, scale = Math.min(1, LONG_SIDE / Math.max(width, height));
  const thumb = drawn(picture, Math.min(1, THUMB / height));
  let sent = file;
  for (const quality of [0.92, 0.8, 0.6, 0.4]) {
    if (scale === 1 && sent.size <= ENOUGH && /jpeg|png|webp/.test(sent.type)) break;
    sent = await new Promise((done) => drawn(picture, scale).toBlob(done, "image/jpeg", quality));
    if (sent.size <= ENOUGH) break;
  }
  picture.close();
  return { photo: await base64(sent), thumb };
}

export function drawn(picture, scale = 1) {
  const canvas = h("canvas", { width: Math.max(1, picture.width * scale), height: Math.max(1, picture.height * scale) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const base64 = (blob) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.split(",")[1] ?? "");
  reader.onerror = () => failed(reader.error);
  reader.readAsDataURL(blob);
});
