// Makes this browser a screen: what stands behind # goes to the device once, and the cookie that comes back stays.
const link = /^#screen=([\w-]+)$/.exec(location.hash)?.[1];

async function open() {
  history.replaceState(null, "", "/kiosk"); // neither in the history nor on the screen
  const answer = await fetch("/kiosk/screen", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Latchkey": "kiosk" },
    body: JSON.stringify({ link }),
    credentials: "same-origin",
    cache: "no-store",
  }).catch(() => null);
  if (answer?.ok) return location.replace("/kiosk");
  const told = answer ? await answer.json().catch(() => ({})) : {};
  document.getElementById("told").textContent = told.error ?? "The device does not answer: load the link again.";
}

if (link) open();
