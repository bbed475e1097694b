"""The agent: everything made from the configuration, started sink first and stopped source first.

capture ──► Latest ──► vision ──► entrance ──► door, then recorder ──► SQLite ──► publisher ──► broker
reader, commander ──► entrance, recorder      knowledge: people, rules changed ──► vision, entrance
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ulid import ULID

from agent import systemd
from agent.bundle import Bundle
from agent.config import Config
from agent.counter import Counter
from agent.crew import PART_SECONDS, Crew
from agent.desk import Desk
from agent.errors import CameraLost, LatchkeyError, StoreError
from agent.knowledge import Knowledge
from agent.labels import gist, nameless
from agent.make import make_camera, make_recogniser, wanted_pages
from agent.onlookers import Onlookers
from agent.orders import Orders
from agent.porch import Porch
from agent.recorder import Recorder
from agent.runtime import Deadline, Latest, Worker, once
from agent.start import open_house
from agent.store.db import Db
from agent.studio import Studio
from agent.tamper import wipe_house
from agent.types import Decision, Event, Frame
from agent.upgrade.watch import Watch
from agent.upkeep import upkeep_of
from agent.visits import Visits

log = logging.getLogger(__name__)

TAKE_SECONDS = 0.5
HEARTBEAT_SECONDS = 1.0
STOP_SECONDS = 8.0  # for everything; the link may need five more to give up connecting, systemd kills after 15


class Agent:
    """One terminal. A context: entering opens and starts all but the frames, leaving stops and drains.

    Args:
        config: all of it.
        told: called with every decision, from the vision thread, after the door heard of it.
        file: of the configuration.

    Raises:
        LatchkeyError: on entering: something that was asked for is not there, or is in use.
    """

    def __init__(
        self, config: Config, *, told: Callable[[Decision], None] = lambda _: None, file: Path | None = None
    ) -> None:
        self.config, self.file = config, file
        self.failed = self.starts_again = False  # something crashed; it only stops to be made anew
        self.stopping, self.onlookers = Deadline(STOP_SECONDS), Onlookers()
        self.boot_id = str(ULID())
        self.desk: Desk | None = None
        self._told = told
        self._control: queue.SimpleQueue[int | BaseException | str] = queue.SimpleQueue()  # a signal, a crash, or why
        self._stack, self._crew = ExitStack(), Crew(self.crashed, self.stopping)
        self._latest: Latest[tuple[Frame, float]] = Latest(lossless=config.camera.as_fast_as_possible)
        self._vision, self._capture = self._crew.hire("vision", self._see), self._crew.hire("capture", self._take)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        systemd.stopping("draining")
        self._crew.leave()
        self._stack.close()

    def look(self) -> None:
        """Begins to take frames."""
        self._capture.start()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Asks `wait` to return; from any thread, or a signal handler."""
        self._control.put(number)

    def again(self, why: str) -> None:
        """Asks `wait` to return, for the agent to be made anew; from any thread."""
        self.starts_again = True
        self._control.put(why)

    def wait(self) -> int:
        """Returns 0 when asked to stop or when the recording has ended, 1 after a crash."""
        while True:
            try:
                news = self._control.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                if self._crew.alive:
                    systemd.watchdog()
                continue
            if isinstance(news, BaseException):
                return 1
            log.info("agent stops: %s", news if isinstance(news, str) else signal.Signals(news).name)
            return 0

    def crashed(self, error: BaseException) -> None:
        """Lets `wait` return with status 1; from the thread that crashed."""
        traceback = None if isinstance(error, LatchkeyError) else error
        log.error("agent crashed in %s: %s", threading.current_thread().name, error, exc_info=traceback)
        self.failed = True
        self._control.put(error)

    @property
    def dropped(self) -> int:
        """Frames that nobody looked at."""
        return self._latest.dropped

    # Opening, sink first: what was opened last is stopped first

    def _open(self, stack: ExitStack) -> None:
        config = self.config
        bundle, db, reads = open_house(stack, config, self.boot_id, reads=4)
        self.recorder = Recorder(db, boot_id=self.boot_id, recorded=self._recorded)
        stack.callback(self.recorder.give_up)
        self._crew.work(stack, "recorder", self.recorder.step, at_last=self.recorder.drain, wake=self.recorder.wake)
        self.knowledge = Knowledge(bundle, reads[0], self.recorder.write)
        self.recogniser = make_recogniser(bundle, self.knowledge.faces())
        self._open_door(stack, bundle, reads[1])
        self._crew.work_beside(stack, "knowledge", lambda: self.knowledge.look(self.porch.takers))
        self._crew.work_beside(stack, "upkeep", upkeep_of(self, reads[2]).step)
        self._crew.work_beside(stack, "watch", Watch(config, reads[3], self.recorder.write, self.again).step)
        self.counter = stack.enter_context(Counter(self, bundle))
        if config.mqtt.enabled:
            self._open_desk(stack, bundle)
        else:
            self._crew.work(stack, "jobs", self.counter.jobs.step, at_last=self.counter.jobs.close)
        self._open_pages(stack, bundle)
        self._crew.work_beside(stack, "reader", self.porch.read)
        self._camera = make_camera(config)
        stack.callback(self._blind)
        self._vision.start()

    def _open_door(self, stack: ExitStack, bundle: Bundle, db: Db) -> None:
        config, recorder = self.config, self.recorder
        self.studio = Studio(self.recogniser.eyes, lambda: self.recogniser.known.gallery)
        saw = lambda seen: self.porch.entrance.saw(seen)  # noqa: E731, PLW0108 - made below
        self.visits = Visits(self.recogniser, saw, self.studio.see)
        self.porch: Porch = Porch(
            stack,
            bundle,
            self.knowledge,
            self.recogniser,
            recorder,
            told=self._decided,
            wipe=self._wipe if config.inputs.tamper_wipes else None,
            now=self._now,
        )
        stack.callback((doorman := self.porch.doorman).close)
        self._crew.work(stack, "door", doorman.step, at_last=doorman.finish, wake=doorman.wake)
        self._crew.work(stack, "entrance", self.porch.entrance.step, at_last=self.porch.entrance.tick)
        orders = Orders(db, recorder.write, doorman, config, boot_id=self.boot_id)
        self._crew.work_beside(stack, "orders", orders.step)

    def _open_desk(self, stack: ExitStack, bundle: Bundle) -> None:
        self.desk = Desk(self, bundle)
        entrance = self.porch.entrance
        entrance.peers.hear_by(self.desk.link, entrance.heard)
        self.porch.passed = self.desk.telling.passed
        self.onlookers.recorded.append(self.desk.wake)
        stack.enter_context(self.desk)
        for name, step, at_last in self.desk.work():
            self._crew.work(stack, name, step, at_last=at_last)
        stack.callback(self.porch.doorman.close)  # before the desk tells its state for the last time
        stack.callback(self._settle)
        self._crew.work(stack, "commander", self.desk.carry_out)  # what comes while it stops opens no more

    def _open_pages(self, stack: ExitStack, bundle: Bundle) -> None:
        self.pages = [make(self, bundle) for make in wanted_pages(self.config)]
        for page in self.pages:
            stack.enter_context(page)
            for name, step in page.work():
                self._crew.work_beside(stack, name, step)

    def _wipe(self) -> None:
        wipe_house(self.config, self.recorder, self.porch.entrance)

    def _now(self) -> datetime:
        """The time; that of the recording where one is played as fast as it will go."""
        return self.visits.at if self.config.camera.as_fast_as_possible else datetime.now(UTC)

    def _take(self) -> bool:
        try:
            frame = self._camera.read()
        except CameraLost as lost:
            log.warning("camera lost: %s", lost)
            return True
        if frame is None:
            self._latest.close()
            return False
        self._latest.put((frame, time.perf_counter()))
        return True

    def _see(self) -> bool:
        taken = self._latest.take(TAKE_SECONDS)
        if taken is not None:
            self.visits.see(*taken)
            self.porch.entrance.followers.saw(self.recogniser.near)
            for tell in self.onlookers.saw:
                tell(taken[0], self.studio.glance or self.recogniser.glance)
        elif self._latest.closed:
            self.visits.finish()
            self._control.put("the recording has ended")
            return False
        return True

    def _decided(self, decision: Decision) -> None:
        self._told(decision)
        for tell in self.onlookers.decided:
            tell(decision)

    def _recorded(self, event: Event) -> None:
        log.info("%s %d: %s %s", event.kind, event.seq, gist(event.body), nameless(event.body))
        for tell in self.onlookers.recorded:
            tell(event)

    def _blind(self) -> None:
        """Takes no more frames, and looks at those that were taken."""
        self._latest.close()  # a capture that waits for the vision waits no longer
        closing = Worker("closing the camera", once(self._camera.close), crashed=self.crashed)
        closing.start()
        closing.stop(self.stopping.left(PART_SECONDS), after_all=True)
        self._capture.stop(self.stopping.left(PART_SECONDS))
        self._vision.stop(self.stopping.left(PART_SECONDS), after_all=True)

    def _settle(self) -> None:
        """Waits until all that was decided is on the disk, so that the publisher can see it."""
        with suppress(StoreError):
            self.recorder.write(lambda _: None, seconds=self.stopping.left(PART_SECONDS))
