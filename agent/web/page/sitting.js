// Whoever is being enrolled: the text they agree to, the shots, a way out, and how it ended.
const $ = (id) => document.getElementById(id);
const texts = new Map(); // by language
let wanting = null; // the language of the text that is to be shown
let again = 0;

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

// null where the device does not answer
function text(code) {
  if (!texts.has(code)) texts.set(code, fetched(code).catch(() => (texts.delete(code), null)));
  return texts.get(code);
}

async function fetched(code) {
  const answer = await fetch(`/kiosk/consent/${code}`, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.text();
}

// Nobody is asked to agree to what does not stand there yet: the text comes first, and all of a language at once
export async function ask(guide, state, language, say) {
  const asked = guide?.hint === "consent";
  const dialog = $("consent");
  wanting = asked ? language.code : null;
  if (!asked) return void (dialog.open && dialog.close());
  const { name, languages } = state.consent;
  const code = languages.includes(language.code) ? language.code : languages.includes(state.language) ? state.language : null;
  const wanted = code === null ? say("consent_plain") : await text(code);
  if (wanting !== language.code) return; // another one was chosen meanwhile, or nobody is asked any more
  clearTimeout(again);
  if (wanted === null) return void (again = setTimeout(() => wanting === language.code && ask(guide, state, language, say), 1000));
  $("consent-title").textContent = say("consent_title");
  $("consent-name").textContent = say("consent_name", { name });
  $("consent-agree").textContent = say("agree");
  $("consent-decline").textContent = say("decline");
  $("consent-language-name").textContent = language.name;
  $("consent-language").setAttribute("aria-label", `${say("language")}: ${language.name}`);
  if ($("consent-text").textContent !== wanted) $("consent-text").textContent = wanted;
  $("consent-text").lang = code ?? language.code;
  $("consent-text").dir = "auto";
  if (dialog.open) return;
  dialog.showModal();
  $("consent-text").scrollTop = 0;
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
