"""Every key of the configuration with its default: `deploy/agent.example.toml` explains them one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.config.admin import AdminTable
from agent.config.entrance import Door, Inputs, Reader, refuse_shared_pins
from agent.config.homeassistant import HomeAssistant
from agent.config.kinds import (
    Count,
    File,
    Grey,
    Host,
    OptionalFile,
    Probability,
    Seconds,
    Share,
    Source,
    Table,
    TopicLevel,
    refuse,
)
from agent.config.machine import Clock, Log, Storage
from agent.config.people import Events, Privacy
from agent.config.retention import Retention
from agent.config.roster import Roster
from agent.config.security import Security
from agent.config.trust import Trust
from agent.config.web import Web

INSTALLED_DATA_DIR = Path("/var/lib/latchkey")
BUNDLED_MODELS = Path(__file__).resolve().parent.parent / "models"


def standard_data_dir() -> Path:
    """The installed service's folder where there is one, so that all commands see its people; else one at home."""
    if INSTALLED_DATA_DIR.is_dir():
        return INSTALLED_DATA_DIR
    try:
        return Path("~/.local/share/latchkey").expanduser()
    except RuntimeError:  # a user without a home
        return INSTALLED_DATA_DIR


class Device(Table):
    """What this terminal is called."""

    site: TopicLevel = "home"
    name: TopicLevel = "door"
    groups: Annotated[
        tuple[TopicLevel, ...], Field(strict=False)
    ] = ()  # of devices; commands for a group are for each of them
    data_dir: File = Field(default_factory=standard_data_dir)


class Camera(Table):
    """Where pictures come from."""

    backend: Literal["picamera2", "opencv", "files", "demo"] = "picamera2"
    name: TopicLevel = "camera"
    source: Source = "0"  # a number, a device, a video file, a folder or a URL: what the backend takes
    password_file: OptionalFile = None  # of the user in an rtsp:// source
    width: Annotated[int, Field(ge=64, le=7680)] = 640  # pixels
    height: Annotated[int, Field(ge=64, le=4320)] = 480  # pixels
    fps: Annotated[float, Field(gt=0, le=240)] = 10.0  # frames a second
    rotation: Literal[0, 90, 180, 270] = 0  # degrees, clockwise
    loop: bool = False  # video files and folders
    as_fast_as_possible: bool = False  # the same: no waiting between frames, and none dropped

    @model_validator(mode="after")
    def _source_fits(self) -> Self:
        problems = []
        if self.backend == "files" and self.source.isdigit():
            problems.append("[camera] backend = 'files' wants a folder of images as its source")
        if self.password_file is not None and "@" not in self.source:
            problems.append("[camera] has password_file but no user in its source (rtsp://user@host/...)")
        refuse(problems)
        return self


class Engine(Table):
    """What runs the models."""

    runtime: Literal["ai-edge-litert", "tflite-runtime"] = "ai-edge-litert"
    delegate: str = ""  # "edgetpu" or the path of a delegate's library; empty: the CPU
    threads: Annotated[int, Field(ge=1, le=64)] = 1


class Models(Table):
    """Model files, each with its card (.json) beside it."""

    detector: File = BUNDLED_MODELS / "detector.tflite"
    aligner: File = BUNDLED_MODELS / "aligner.tflite"
    encoder: File = BUNDLED_MODELS / "encoder.tflite"
    signature: File = BUNDLED_MODELS / "signature.tflite"  # of signatures on the screen
    site: OptionalFile = None  # what `latchkey calibrate` has learnt of the people here


class Detector(Table):
    """What counts as a face."""

    score_threshold: Probability = 0.5
    motion_gate: bool = True


class Quality(Table):
    """Which pictures of a face are good enough to be compared: `agent.vision.quality` measures them."""

    min_face_px: Annotated[float, Field(ge=0)] = 64.0  # shorter side of the face, pixels
    min_sharpness: Annotated[float, Field(ge=0)] = 8.0  # variance of the Laplacian
    max_yaw: Annotated[float, Field(gt=0)] = 0.4  # nose offset, eye distances
    min_exposure: Grey = 20.0  # mean grey
    max_exposure: Grey = 225.0  # mean grey
    min_contrast: Grey = 6.0  # standard deviation of grey

    @model_validator(mode="after")
    def _exposures_in_order(self) -> Self:
        if self.min_exposure >= self.max_exposure:
            refuse([f"[quality] min_exposure = {self.min_exposure} is not below max_exposure = {self.max_exposure}"])
        return self


class Gate(Table):
    """When the shots of one visit make a person."""

    shots_needed: Count = 2
    shots: Annotated[int, Field(ge=1, le=100)] = 5  # of one try
    tries: Annotated[int, Field(ge=1, le=20)] = 2  # of one visit
    within_seconds: Seconds = 3.0
    false_accepts_per_visit: Probability = 1e-4
    cohort: Literal["worst", "card"] = "worst"  # whose false match rates count, where there is no models.site
    min_margin: Share = 0.05  # cosine, to the second person
    flip_average: bool = False
    patience_seconds: Seconds = 4.0
    revisit_seconds: Seconds = 10.0

    @model_validator(mode="after")
    def _needs_no_more_than_it_takes(self) -> Self:
        if self.shots_needed > self.shots:
            refuse([f"[gate] shots_needed = {self.shots_needed} is more than shots = {self.shots}"])
        return self


class Tls(Table):
    """Encryption of the link to the broker."""

    enabled: bool = False
    ca: OptionalFile = None  # PEM; none: the system's authorities
    cert: OptionalFile = None  # PEM, of this client
    key: OptionalFile = None  # PEM, of this client

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [name for name in ("ca", "cert", "key") if getattr(self, name) is not None]
        problems = []
        if given and not self.enabled:
            problems.append(f"[mqtt.tls] has {' and '.join(given)} but not enabled = true")
        if (self.cert is None) != (self.key is None):
            present, absent = ("cert", "key") if self.key is None else ("key", "cert")
            problems.append(f"[mqtt.tls] has {present} but no {absent}: a client certificate needs both")
        refuse(problems)
        return self


class Mqtt(Table):
    """The link to the broker."""

    enabled: bool = True
    host: Host = "localhost"
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    protocol: Literal[5, 311] = 5
    client_id: str = ""  # empty: latchkey-<site>-<device>
    username: str = ""
    password_file: OptionalFile = None
    keepalive_seconds: Annotated[int, Field(ge=5, le=3600)] = 30
    max_inflight: Annotated[int, Field(ge=1, le=1000)] = 100  # events sent and not yet acknowledged
    reconnect_min_seconds: Seconds = 0.5
    reconnect_max_seconds: Seconds = 30.0
    session_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300  # how long the broker keeps commands for us
    health_seconds: Seconds = 60.0
    acknowledged: bool = False  # events stay in the outbox until a collector, not just the broker, has them
    remote_unlock: bool = False  # the commands `unlock` and `hold`, and the mode `free_access`
    unlocks_per_minute: Annotated[int, Field(ge=1, le=600)] = 6  # `unlock` and `hold`, by each key
    max_payload_bytes: Annotated[int, Field(ge=65_536, le=268_435_455)] = 8_388_608  # the most: MQTT 5.0, 1.5.5
    tls: Tls = Tls()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = []
        if self.password_file is not None and not self.username:
            problems.append("[mqtt] has password_file but no username")
        if self.reconnect_min_seconds > self.reconnect_max_seconds:
            problems.append(
                f"[mqtt] reconnect_min_seconds = {self.reconnect_min_seconds} is more than "
                f"reconnect_max_seconds = {self.reconnect_max_seconds}"
            )
        refuse(problems)
        return self


class Config(Table):
    """The whole configuration."""

    device: Device = Field(default_factory=Device)
    camera: Camera = Camera()
    engine: Engine = Engine()
    models: Models = Models()
    detector: Detector = Detector()
    quality: Quality = Quality()
    gate: Gate = Gate()
    door: Door = Door()
    inputs: Inputs = Inputs()
    reader: Reader = Reader()
    mqtt: Mqtt = Mqtt()
    homeassistant: HomeAssistant = HomeAssistant()
    web: Web = Web()
    admin: AdminTable = AdminTable()
    storage: Storage = Storage()
    retention: Retention = Retention()
    events: Events = Events()
    privacy: Privacy = Privacy()
    security: Security = Security()
    trust: Trust = Trust()
    roster: Roster = Roster()
    log: Log = Log()
    clock: Clock = Clock()

    @model_validator(mode="after")
    def _each_pin_once(self) -> Self:
        refuse_shared_pins(self.door, self.inputs)
        return self

    @model_validator(mode="after")
    def _kept_to_be_seen(self) -> Self:
        if self.privacy.keep_unknown and not self.admin.enabled:
            refuse(["[privacy] keep_unknown = true wants [admin] enabled = true: nothing else shows the pictures"])
        return self

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.storage.path or self.device.data_dir / "latchkey.db"
