// What people see of themselves: their picture with a ring about the face, or a drawn somebody who moves as they do.
const $ = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)}%`;
let live = false;
let there = false;

export function follow(face, { picture }) {
  there = face.size > 0;
  live = picture === "live";
  const body = document.body.classList;
  body.toggle("seen", there);
  body.toggle("good", there && !face.hint);
  const image = $("picture");
  if (there && live && !image.hasAttribute("src")) image.src = `/kiosk/picture?${Date.now()}`;
  if (!there) image.removeAttribute("src"); // the stream ends, and nothing of it stays
  if (!there || !live) $("mirror").hidden = true;
  $("portrait").toggleAttribute("hidden", there && live && !$("mirror").hidden);
  if (!there) return void $("somebody").style.removeProperty("transform");
  const across = 1 - face.x; // as in a mirror
  if (live) {
    const ring = $("face-ring").style;
    ring.setProperty("left", percent(across));
    ring.setProperty("top", percent(face.y));
    ring.setProperty("height", percent(Math.min(1.2 * face.size, 1.1)));
  } else {
    const scale = Math.min(Math.max(face.size / 0.32, 0.7), 1.3);
    $("somebody").style.setProperty("transform", `translate(${(across - 0.5) * 80}px, ${(face.y - 0.5) * 50}px) scale(${scale})`);
  }
}

$("picture").addEventListener("load", () => {
  if (!there || !live) return;
  $("mirror").hidden = false;
  $("portrait").setAttribute("hidden", "");
});
$("picture").addEventListener("error", () => { // watched by too many, or the agent has gone: the drawn one will do
  $("picture").removeAttribute("src");
  $("mirror").hidden = true;
  $("portrait").removeAttribute("hidden");
});
