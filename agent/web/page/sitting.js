// Whoever is being enrolled: the text they agree to, the shots, a way out, and how it ended.
const $ = (id) => document.getElementById(id);
const texts = new Map(); // by language
let wanting = null; // the language of the text that is to be shown

export async function sent(path, body) {
  try {
    return await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Latchkey": "kiosk" },
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
    });
  } catch {
    return null; // no answer
  }
}

export const send = async (path, body) => (await sent(path, body))?.status === 202;

async function text(code, plain) {
  if (!texts.has(code)) {
    try {
      const answer = await fetch(`/kiosk/consent/${code}`);
      if (answer.ok) texts.set(code, await answer.text());
    } catch {
      // no answer: the plain words do for now
    }
  }
  return texts.get(code) ?? plain;
}

export async function ask(guide, state, language, say) {
  const asked = guide?.hint === "consent";
  const dialog = $("consent");
  if (!asked) return void (dialog.open && dialog.close());
  const { name, languages } = state.consent;
  const code = languages.includes(language.code) ? language.code : languages.includes(state.language) ? state.language : null;
  $("consent-title").textContent = say("consent_title");
  $("consent-name").textContent = say("consent_name", { name });
  $("consent-agree").textContent = say("agree");
  $("consent-decline").textContent = say("decline");
  $("consent-language-name").textContent = language.name;
  $("consent-language").setAttribute("aria-label", `${say("language")}: ${language.name}`);
  if (!dialog.open) {
    dialog.showModal();
    $("consent-text").scrollTop = 0;
  }
  wanting = language.code;
  const wanted = code === null ? say("consent_plain") : await text(code, say("consent_plain"));
  if (wanting !== language.code) return; // another one was chosen meanwhile
  if ($("consent-text").textContent !== wanted) $("consent-text").textContent = wanted;
  $("consent-text").lang = code ?? language.code;
  $("consent-text").dir = "auto";
}

export function progress(guide, say) {
  const on = guide !== null && guide.hint !== "consent";
  document.body.classList.toggle("enrolling", on);
  $("shots").hidden = $("cancel").hidden = !on;
  if (!on) return;
  $("cancel").textContent = say("give_up");
  $("shots").setAttribute("aria-label", say("shots", { done: guide.done, of: guide.of }));
  const wanted = `${guide.done}/${guide.of}`;
  if ($("shots").dataset.wanted === wanted) return;
  $("shots").dataset.wanted = wanted;
  $("shots").replaceChildren(...Array.from({ length: guide.of }, (_, at) => {
    const dot = document.createElement("i");
    dot.className = at < guide.done ? "done" : at === guide.done ? "next" : "";
    return dot;
  }));
}

export function ended(why, language) {
  const words = language.ended[why] ?? language.ended.failed;
  return { outcome: why === "enrolled" ? "granted" : why === "cancelled" || why === "no_consent" ? "pending" : "denied", words };
}
