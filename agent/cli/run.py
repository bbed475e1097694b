"""`latchkey run` and `latchkey demo`: the agent itself."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.settings import ConfigFile, Sets, camera_overrides, load

CameraSource = Annotated[
    str | None,
    typer.Option(
        "--camera", metavar="SOURCE", help="A camera's number, a device, a URL, a video file or a folder of pictures."
    ),
]


def run(
    *,
    config: ConfigFile = None,
    camera: CameraSource = None,
    backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="picamera2, opencv, files or demo. Default: what --camera is.")
    ] = None,
    as_fast_as_possible: Annotated[
        bool, typer.Option("--as-fast-as-possible", help="Play a recording without waiting: the same result each time.")
    ] = False,
    loop: Annotated[bool | None, typer.Option(help="Start a recording again at its end.")] = None,
    sets: Sets = None,
) -> None:
    """Run the agent until it is asked to stop, or a recording ends.

    Exit status: 0 asked to stop, 1 crashed, 2 configuration or hardware.
    """
    overrides = camera_overrides(camera, backend)
    overrides |= {"camera.as_fast_as_possible": as_fast_as_possible or None, "camera.loop": loop}
    configured = load(config, sets, overrides, quiet=False)
    from agent.config.load import find_config
    from agent.service import run_agent

    raise typer.Exit(
        run_agent(configured, file=find_config(config), again=lambda: load(config, sets, overrides, quiet=False))
    )


def demo(*, camera: CameraSource = None) -> None:
    """Show everything at work: a broker, a small staff enrolled over MQTT, and the agent on the bundled clip.

    The people of the clip do not exist. Exit status: 0 if staff were let in, strangers were not, and every event
    arrived.
    """
    from agent.demo.show import run_demo

    raise typer.Exit(run_demo(camera))
