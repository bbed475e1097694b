// Pictures of those whom nobody knew, those that look alike together: to enrol them, or to delete them.
import { get, post } from "/admin/api.js";
import { dialog, field, h, note, put, when } from "/admin/dom.js";
import { personField } from "/admin/views/live/weighed.js";

const MOST = 10; // templates of one person

export async function show(place, me) {
  const told = await get("live/unknown");
  const again = () => show(place, me);
  const count = told.groups.flat().length;
  const intro = h("p", { class: "soft" }, told.keeps
    ? `Whoever came and nobody knew, at most ${told.most} pictures, sealed, kept for ${told.days} days. That you look is in the audit.`
    : "No pictures are kept: [privacy] keep_unknown is false in the device's configuration. What was kept before stays until it is old.");

  async function remove(body, many) {
    if (!(await dialog(`Delete ${many === 1 ? "the picture" : `${many} pictures`}?`, h("p", {}, "It cannot be taken back."), { yes: "Delete", danger: true }))) return;
    await tried(async () => note(`${(await post("live/unknown/delete", body)).data.pictures} deleted.`));
  }
  async function tried(what) {
    try {
      await what();
    } catch (error) {
      note(error.message, "wrong");
    }
    await again();
  }
  async function enrol(pictures) {
    if (pictures.length > MOST) return note(`At most ${MOST} pictures make one person: leave some out.`, "wrong");
    const person = personField("Id", { name: "person", required: true }, "Of somebody who is known already, or a new one");
    const agreed = h("label", {}, h("input", { type: "checkbox", name: "consent", required: told.consent_wanted && !!told.consent }), ` The person has agreed${told.consent ? ` to ${told.consent}` : ""}`);
    const wrong = h("p", { class: "bad", role: "alert" }), inside = [wrong,
      h("p", {}, `${pictures.length === 1 ? "One look" : `${pictures.length} looks`} of somebody whom nobody has guided: enough to be recognised in the same light. Five shots at the door, or good photos, are better; add them when the person is there.`),
      person, field("Name", { name: "name", maxLength: 128 }, "Of somebody new"), h("p", { class: "field" }, agreed)];
    for (let answer; (answer = await dialog("Enrol as…", inside, { yes: "Enrol" }));) { // until it is taken: nothing typed is lost
      const body = { pictures, person: person.person(), ...(answer.get("name") ? { name: answer.get("name") } : {}), ...(answer.get("consent") ? { consent: true } : {}) };
      try {
        const { data } = await post("live/unknown/enrol", body);
        note(`${data.name} has ${data.templates} templates now, ${data.added} of them from here.`);
        return again();
      } catch (error) {
        if (!error.status || error.status === 401) throw error;
        put(wrong, error.message);
      }
    }
  }
  const group = (pictures) => {
    const boxes = pictures.map(({ name, at }) => h("input", { type: "checkbox", checked: true, value: name, "aria-label": `Picture of ${when(at)}` }));
    const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
    const act = (what) => () => (chosen().length ? what(chosen()) : note("Choose a picture first.", "wrong"));
    return h("section", { class: "card" },
      h("h2", {}, pictures.length === 1 ? "Came once" : `Came ${pictures.length} times`),
      h("div", { class: "faces" }, pictures.map(({ name, at, event, face_px }, each) => h("figure", {}, h("img", { src: `/admin/api/live/unknown/picture/${name}`, width: 112, height: 112, loading: "lazy", alt: `Somebody unknown, ${when(at)}` }), h("figcaption", {}, boxes[each], " ", h("a", { href: `#/live/visit/${event}` }, when(at)), h("br"), h("small", {}, `face ${face_px} px`))))),
      h("p", { class: "buttons start" }, h("button", { type: "button", class: "main", onclick: act(enrol) }, "Enrol as…"), h("button", { type: "button", class: "danger", onclick: act((pictures_) => remove({ pictures: pictures_ }, pictures_.length)) }, "Delete…")));
  };
  put(place, intro, count ? [h("div", { class: "columns" }, told.groups.map(group)), h("p", {}, h("button", { type: "button", class: "danger", onclick: () => remove({ all: true }, count) }, "Delete all…"))] : h("p", { class: "empty" }, "There are none."));
}
