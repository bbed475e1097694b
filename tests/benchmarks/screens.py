"""Screenshots of the page with the people of the demo, who do not exist, for `deploy/screenshots`."""

import cv2
import numpy as np

from agent.guidance import OVER, Guidance
from tests.fakes.demo_door import demo_door

UPRIGHT, LYING = (600, 1024), (1024, 600)
WEBP_QUALITY = 82


def leave(browser, folder, out):
    """Makes them all, as WebP."""
    out.mkdir(parents=True, exist_ok=True)
    with demo_door(folder / "live", web__picture="live", web__theme="light") as (agent, _):
        upright, lying = opened(browser, agent, UPRIGHT), opened(browser, agent, LYING)
        shoot(upright, out / "idle-upright")
        shoot(lying, out / "idle-lying")
        agent.look()
        upright.wait_for_selector("body.good #mirror:not([hidden])")
        upright.wait_for_timeout(700)
        shoot(upright, out / "near-upright")
        for outcome in ("granted", "denied"):
            for page, name in ((upright, "upright"), (lying, "lying")):
                page.wait_for_selector(f"#result[data-outcome={outcome}]:visible", timeout=30_000)
                page.wait_for_timeout(300)
                shoot(page, out / f"{outcome}-{name}")
        close(upright, lying)
    more = {"web__theme": "dark", "web__language": "ar", "web__reach": 0.6}
    with demo_door(folder / "drawn", **more) as (agent, _):
        upright, lying = opened(browser, agent, UPRIGHT), opened(browser, agent, LYING)
        shoot(lying, out / "arabic-lying")
        agent.look()
        for hint, done, name in (("consent", 0, "consent"), ("look_left", 2, "enrolling")):
            agent.studio.guide(Guidance(hint, done, 5, 1))
            upright.wait_for_selector("#consent[open]" if hint == "consent" else "body.enrolling.seen")
            upright.wait_for_timeout(900)
            shoot(upright, out / f"{name}-upright")
            shoot(lying, out / f"{name}-lying")
        agent.studio.guide(Guidance(OVER, 5, 5, 1, "duplicate_person"))
        upright.wait_for_selector("#result:visible")
        upright.wait_for_timeout(300)
        shoot(upright, out / "refused-upright")
        close(upright, lying)


def opened(browser, agent, size):
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(f"http://127.0.0.1:{agent.config.web.port}/kiosk")
    page.wait_for_selector("#prompt:not(:empty)")
    page.wait_for_timeout(300)
    return page


def close(*pages):
    for page in pages:
        page.context.close()


def shoot(page, stem):
    image = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    stem.with_suffix(".webp").write_bytes(cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])[1])
