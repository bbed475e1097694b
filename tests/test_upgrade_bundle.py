"""agent/upgrade: manifest, archive, installing, trial."""

import io
import json
import zipfile
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import load_config
from agent.errors import CommandError, ModelError
from agent.mqtt.message import Code
from agent.store import admins
from agent.store.db import open_db
from agent.trust.keys import Admin, SigningKey
from agent.trust.roles import Role
from agent.upgrade.archive import LARGEST, pack, unpack
from agent.upgrade.in_force import with_models
from agent.upgrade.installing import check_signed, lay, tidy
from agent.upgrade.manifest import check_version
from agent.upgrade.trial import trial
from tests.fakes import bundles
from tests.fakes.trust import OWNER

NOW = datetime(2026, 11, 26, tzinfo=UTC)
OTHER = SigningKey(bytes(range(1, 33)))


@pytest.fixture
def config(tmp_path):
    return load_config(None, {"device.data_dir": tmp_path / "data", "trust.owner": OWNER.public.text}, {})


@pytest.fixture
def data(tmp_path):
    return bundles.blocks(tmp_path / "made")


def rezipped(data, change=lambda files: None, **options):
    """The same archive with other files in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [(info.filename, archive.read(info)) for info in archive.infolist()]
    files = change(files) or files
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **options) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=options.get("compression"))
    return made.getvalue()


def refused(data, code=Code.BAD_BUNDLE):
    with pytest.raises(CommandError) as told:
        unpack(data)
    assert told.value.code == code
    return str(told.value)


class TestArchive:
    def test_what_is_packed_is_unpacked_and_the_same_again(self, data, tmp_path):
        contents = unpack(data)
        assert sorted(contents.files) == ["encoder.json", "encoder.tflite"]
        assert contents.signed.manifest.encoder == bundles.NEWER
        assert bundles.blocks(tmp_path / "again") == data
        assert {*unpack(bundles.blocks(tmp_path / "both", detector=True)).files} > {"detector.tflite", "detector.json"}

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda files: files[1:], "no bundle of models"),
            (lambda files: files[:-1], "not those that it lists"),
            (lambda files: [*files, ("more", b"x")], "not those that it lists"),
            (lambda files: [*files, ("../../etc/passwd", b"x")], "not those that it lists"),
            (lambda files: [*files, ("/etc/passwd", b"x")], "not those that it lists"),
            (lambda files: [(name, b"y" + content) for name, content in files], "no bundle of models"),
            (lambda files: [(n, data.replace(b"encoder latchkey", b"encoder Latchkey")) for n, data in files],
             "encoder.tflite is not the file that was signed"),
            (lambda files: [(f"{n}", b"") for n in range(9)], "too many files"),
        ],
        ids=["no manifest", "a file less", "a file more", "up", "absolute", "junk", "another model", "many"],
    )  # fmt: skip
    def test_other_files_than_were_signed_are_refused(self, data, change, match):
        assert match in refused(rezipped(data, change))

    def test_nothing_is_inflated(self, data):
        bomb = lambda files: [(name, bytes(10**6)) for name, _ in files]
        assert "have to be stored" in refused(rezipped(data, bomb, compression=zipfile.ZIP_DEFLATED))

    def test_what_is_too_large_is_refused_unread(self):
        refused(bytes(LARGEST + 1), Code.TOO_LARGE)

    def test_a_card_of_another_model_cannot_be_packed(self, tmp_path):
        bundles.blocks(tmp_path)
        (tmp_path / "encoder.tflite").write_bytes(b"another")
        with pytest.raises(ModelError, match="not the file that its card describes"):
            pack({"encoder": tmp_path / "encoder.tflite"}, OWNER, NOW)
        with pytest.raises(ModelError, match="cannot be read"):
            pack({"encoder": tmp_path / "none.tflite"}, OWNER, NOW)

    @pytest.mark.parametrize("model", ["../evil", "", "a/b", "x" * 100])
    def test_an_id_names_a_folder_and_never_a_path(self, tmp_path, model):
        with pytest.raises(CommandError, match="no bundle"):
            bundles.blocks(tmp_path, model)


_FILE: list[bytes] = []


@pytest.fixture(scope="module", autouse=True)
def file(tmp_path_factory):
    _FILE[:] = [bundles.blocks(tmp_path_factory.mktemp("bundle"))]


@given(st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=4), st.integers(0, 10**4))
def test_changed_bytes_are_refused_or_change_nothing_that_counts(changes, cut):
    changed = bytearray(_FILE[0])
    for place, value in changes:
        changed[place % len(changed)] = value
    data = bytes(changed[: max(1, len(changed) - cut % 50)])
    with suppress(CommandError):
        assert unpack(data).files == unpack(_FILE[0]).files


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_refused(data):
    for each in (data, b"PK\x05\x06" + data, b"PK\x03\x04" + data + _FILE[0][-100:]):
        refused(each)


class TestSigned:
    def test_by_the_owner_of_the_configuration(self, config, data):
        with open_db(config.database_path) as db:
            assert check_signed(unpack(data).signed, db, config) == "owner"

    @pytest.mark.parametrize(
        ("role", "revoked", "match"),
        [
            (None, False, "not known"),
            (Role.SECURITY, False, "which is security's"),
            (Role.OWNER, True, "revoked"),
            (Role.OWNER, False, None),
        ],
        ids=["nobody's", "no owner's", "revoked", "another owner's"],
    )
    def test_by_whose_key(self, config, tmp_path, role, revoked, match):
        signed = unpack(bundles.blocks(tmp_path / "theirs", key=OTHER)).signed
        with open_db(config.database_path) as db:
            if role is not None:
                admins.add(db, Admin(OTHER.public, "eve", role), NOW, "cli")
            if revoked:
                admins.revoke(db, OTHER.public.id, NOW, "cli")
            if match is None:
                assert check_signed(signed, db, config) == "eve"
                return
            with pytest.raises(CommandError, match=match) as told:
                check_signed(signed, db, config)
        assert told.value.code == Code.NOT_BY_OWNER

    def test_a_manifest_that_was_changed(self, config, data):
        signed = unpack(data).signed
        changed = signed.model_copy(update={"manifest": signed.manifest.model_copy(update={"minimum": "0.0.1"})})
        with open_db(config.database_path) as db, pytest.raises(CommandError, match="bundle was changed"):
            check_signed(changed, db, config)

    @pytest.mark.parametrize(("minimum", "good"), [("0.1.0", True), ("0.0.9", True), ("0.1.1", False), ("1.0", False)])
    def test_a_newer_latchkey_may_be_wanted(self, tmp_path, minimum, good):
        manifest = unpack(bundles.blocks(tmp_path, minimum=minimum)).signed.manifest
        if good:
            check_version(manifest, "0.1.0")
            return
        with pytest.raises(CommandError, match=f"wants Latchkey {minimum}, this is 0.1.0"):
            check_version(manifest, "0.1.0")


class TestInstalled:
    def test_it_is_laid_whole_and_what_nobody_needs_is_removed(self, config, data):
        folder = lay(unpack(data), config)
        base = config.device.data_dir / "models"
        assert sorted(file.name for file in (base / folder).iterdir()) == [
            "bundle.json", "encoder.json", "encoder.tflite",
        ]  # fmt: skip
        assert lay(unpack(data), config) == folder
        assert [each.name for each in base.iterdir()] == [folder]
        chosen = with_models(config, folder).models
        assert chosen.encoder == base / folder / "encoder.tflite"
        assert chosen.detector == config.models.detector
        with open_db(config.database_path) as db:
            tidy(db, config)
        assert list(base.iterdir()) == []

    def test_what_was_learnt_of_the_site_counts_for_its_encoder_alone(self, config, data, tmp_path):
        folder = lay(unpack(data), config)
        site = tmp_path / "site.json"
        config = config.model_copy(update={"models": config.models.model_copy(update={"site": site})})
        for model, kept in ((bundles.NEWER, site), ("another", None)):
            site.write_text(json.dumps({"model": model}))
            assert with_models(config, folder).models.site == kept


def trial_of(config, data):
    steps = trial(config, lay(unpack(data), config))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


class TestTrial:
    """In a process of its own, with the real runtime."""

    def test_the_encoder_that_comes_with_latchkey_passes(self, config, tmp_path):
        told = trial_of(config, bundles.real(tmp_path / "real"))
        assert told["encoder"] == "latchkey-door-2-5eed0000"
        assert told["lowest_cosine"] > 0.93

    def wrong(fields):  # noqa: N805
        fields["golden"]["crops"][0], crop = dict(fields["golden"]["crops"][1]), fields["golden"]["crops"][0]
        fields["golden"]["crops"][0] |= {"picture": crop["picture"], "landmarks": crop["landmarks"]}

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"change": wrong}, "says something else"),
            ({"change": lambda fields: fields.pop("golden")}, "no golden vectors"),
            ({"change": lambda fields: fields.pop("fmr")}, "fmr|false match"),
            ({"spoil": lambda data: data[:1000] + bytes(len(data) - 1000)}, "encoder|runtime"),
            ({"spoil": lambda _: b"not a model"}, "encoder|runtime"),
        ],
        ids=["another answer", "no golden vectors", "no rates", "a damaged file", "no model"],
    )
    def test_what_does_not_do_on_this_device_fails(self, config, tmp_path, options, match):
        with pytest.raises(CommandError, match=match) as told:
            trial_of(config, bundles.real(tmp_path / "real", **options))
        assert told.value.code == Code.SELF_TEST_FAILED
