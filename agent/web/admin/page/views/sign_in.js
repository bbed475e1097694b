import { get, post } from "/admin/api.js";
import { field, h, put } from "/admin/dom.js";

export const title = "Sign in";

// who: whose view is kept until they are back
export async function show(place, done, who = "") {
  const told = await get("session").catch((error) => ({ error }));
  const where = told.site ? `${told.site} / ${told.device}` : "";
  if (told.error) return put(place, h("h1", {}, title), h("p", { class: "empty" }, told.error.message, " ", again(place, done, who)));
  if (told.first) return put(place, h("h1", {}, title), first(place, done));
  const name = field("Name", { name: "username", value: who, autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, maxlength: "32" });
  const password = field("Password", { type: "password", name: "password", autocomplete: "current-password", required: true, maxlength: "128" });
  const code = field("Code", { name: "code", autocomplete: "one-time-code", inputmode: "numeric", required: true, maxlength: "32", spellcheck: "false", autocapitalize: "characters" }, "The six digits that your app shows now");
  const wrong = h("p", { class: "bad", role: "alert" });
  const button = h("button", { class: "main" }, title);
  const lost = h("button", { type: "button", class: "quiet", "aria-pressed": "false", onclick: () => recover() }, "Use a recovery code");
  let timer = 0;

  function recover() {
    const on = lost.getAttribute("aria-pressed") !== "true";
    lost.setAttribute("aria-pressed", String(on));
    code.control.inputMode = on ? "text" : "numeric";
    code.control.autocomplete = on ? "off" : "one-time-code";
    code.querySelector("label").textContent = on ? "Recovery code" : "Code";
    code.querySelector("small").textContent = on ? "One of the eight that you were given, such as 4F7KQ-0WX2M. Each is good once" : "The six digits that your app shows now";
    code.control.focus();
  }

  // Once a second on the button, which nobody is read aloud; the message has said it
  function wait(seconds) {
    clearInterval(timer);
    const end = performance.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? `${title} (${left > 90 ? `${Math.ceil(left / 60)} min` : `${left} s`})` : title;
      if (left <= 0) clearInterval(timer);
    };
    timer = setInterval(tick, 1000);
    tick();
  }

  const form = h("form", { class: "card narrow", method: "post", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    put(wrong);
    try {
      await post("session", { name: name.control.value.trim(), password: password.control.value, code: code.control.value.trim() });
      clearInterval(timer);
      await done();
    } catch (error) {
      button.disabled = false;
      const s = error.code === "wrong" ? "." : "";
      put(wrong, error.message.charAt(0).toUpperCase() + error.message.slice(1) + s);
      code.control.value = "";
      if (error.told?.retry_seconds) wait(error.told.retry_seconds);
      (error.code === "wrong" ? password : code).control.focus();
    }
  } }, where ? h("p", { class: "soft" }, where) : null, who ? h("p", {}, `You were signed out. Once ${who} is back here, all is as it was: what was typed is kept.`) : null, name, password, code, wrong, h("p", { class: "buttons" }, lost, button));
  const clock = told.clock === "unsynchronised" ? h("p", { class: "warn narrow" }, `This device's clock is not set by anything: it says ${new Date(told.time).toLocaleString()}. If that is wrong, no code is right; a recovery code is.`) : null;
  put(place, h("h1", {}, title), clock, form);
  document.addEventListener("visibilitychange", async function seen() { // in another tab, perhaps
    if (!place.isConnected) return document.removeEventListener("visibilitychange", seen);
    if (!document.hidden && (await get("session").catch(() => told)).signed) await done();
    return undefined;
  });
  (who ? password : name).control.focus();
  return () => clearInterval(timer);
}

const again = (place, done) => h("button", { type: "button", onclick: () => show(place, done) }, "Look again");

const first = (place, done) => h("div", { class: "card narrow" },
  h("p", {}, "Nobody may sign in yet. On the device, in a terminal, let the first owner in:"),
  h("pre", {}, h("code", {}, "latchkey account add NAME --role owner")),
  h("p", { class: "soft" }, "It asks for a password, and shows what an app for codes scans."),
  again(place, done, who));
