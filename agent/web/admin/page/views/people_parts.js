// What the views about people share: files in and out, photos made small, and what went wrong in words.
import { h, note } from "/admin/dom.js";

const LONG_SIDE = 1600, ENOUGH = 400_000, LARGEST = 8 * 2 ** 20, THUMB = 160;
const ADVICE = {
  no_face: "Take one with the face in it.", two_faces: "Cut it to one person.", too_small: "Go closer, or take a larger picture.",
  too_blurred: "Hold still, and take it in more light.", too_dark: "Take it in more light.", too_bright: "Take it out of the sun.",
  turned_away: "Look into the camera.", low_contrast: "Clean the lens, or turn away from the lamp.",
  not_a_picture: "Want a JPEG, PNG or WebP file.", duplicate_person: "If it is the same person, give them these photos there, or merge the two.",
  different_people: "Take away whichever is of another person.",
};

export const address = (id) => `#/people/one/${encodeURIComponent(id)}`;
export const back = (href = "#/people", name = "People") => h("p", {}, h("a", { href }, `← ${name}`));
export const stateTag = (state) => h("span", { class: `tag ${{ active: "good", suspended: "warn" }[state] ?? "bad"}` }, state);
export const words = (text) => text.split(/[,;]/).map((each) => each.trim()).filter(Boolean);
export const advice = (code) => ADVICE[code] ?? "";

export function refuse(error) {
  if (error.status !== 401) note([error.message, advice(error.code)].filter(Boolean).join(". "), "wrong");
}

// Does something, with its button off meanwhile, and says that it is done, or why not
export async function act(doing, done, button) {
  if (button) button.disabled = true;
  try {
    const told = await doing();
    if (done) note(done);
    return told ?? true;
  } catch (error) {
    if (!(error instanceof Error) || error.status === undefined) throw error;
    refuse(error);
    return null;
  } finally {
    if (button) button.disabled = false;
  }
}

export function save(name, text, type = "application/json") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// A place to drop files on, which is a file chooser as well
export function drop(label, accept, take) {
  const input = h("input", { type: "file", multiple: true, accept, onchange: () => { take([...input.files]); input.value = ""; } });
  const over = (event) => { event.preventDefault(); place.classList.add("over"); };
  const place = h("label", { class: "drop", ondragenter: over, ondragover: over, ondragleave: () => place.classList.remove("over"), ondrop: (event) => {
    event.preventDefault();
    place.classList.remove("over");
    take([...event.dataTransfer.files]);
  } }, h("span", {}, label), input);
  return place;
}

// A photo as it is sent: its long side 1600 pixels at the most, in base64; with a small canvas of it to look at
export async function shrunk(file) {
  if (file.size > 6 * LARGEST) return {};
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return file.size <= LARGEST ? { photo: await base64(file) } : {}; // the device says what it is
  const { width, height } = picture, scale = Math.min(1, LONG_SIDE / Math.max(width, height));
  const thumb = drawn(picture, Math.min(1, THUMB / height));
  let sent = file;
  if (scale < 1 || file.size > ENOUGH) {
    const canvas = drawn(picture, scale);
    for (const quality of [0.92, 0.8, 0.6, 0.4]) {
      sent = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
      if (sent.size <= ENOUGH) break;
    }
  }
  picture.close();
  return { photo: await base64(sent), thumb };
}

export function drawn(picture, scale = 1) {
  const canvas = h("canvas", { width: Math.max(1, Math.round(picture.width * scale)), height: Math.max(1, Math.round(picture.height * scale)) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}
