"""`latchkey backup`, `restore`, `backup-key`, and `latchkey models`, as somebody at the device uses them."""

import pytest

from agent.bundle import STAFF
from agent.cli import main
from agent.store.db import agent_lock
from tests.fakes import bundles
from tests.fakes.blocks import RED, Block
from tests.fakes.terminal import Outcome, Terminal, forget_logging
from tests.fakes.trust import OWNER

NEWER = "latchkey-door-2-5eed0000"


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def anna(latchkey):
    latchkey.photo("1.png", Block(RED))
    assert latchkey("enrol", "anna", "1.png").code == 0
    return latchkey


class TestBackup:
    def test_by_a_key_and_back(self, anna):
        public = anna.run("backup-key", "owner.key").out.strip()
        assert public.startswith("latchkey-backup:")
        made = anna("backup", "door.backup", "--to", public)
        assert (made.code, made.err) == (0, "")
        assert "MB, 3 files of home/door" in made.out
        assert anna("people", "remove", "anna", "--yes").code == 0
        anna.config.write_text(anna.config.read_text() + "[log]\nlevel = 'error'\n")
        back = anna("restore", "door.backup", "--key", "owner.key", "--yes")
        assert back.code == 0, back.err
        assert "home/door is back as of" in back.out
        assert "1 person forgotten again" in back.out
        assert "error" not in anna.config.read_text()
        assert anna("people", "list", "--json").json == []

    def test_by_a_passphrase_from_the_environment(self, anna, monkeypatch):
        monkeypatch.setenv("LATCHKEY_BACKUP_PASSPHRASE", "five random words of mine")
        assert anna("backup", "door.backup", "--passphrase").code == 0
        (anna.folder / "data").rename(anna.folder / "dead")
        back = anna("restore", "door.backup", "--passphrase", "--yes", "--without-configuration")
        assert (back.code, "0 people forgotten again" in back.out) == (0, True)
        assert [each["id"] for each in anna("people", "list", "--json").json] == ["anna"]
        monkeypatch.setenv("LATCHKEY_BACKUP_PASSPHRASE", "five other words entirely")
        wrong = anna("restore", "door.backup", "--passphrase", "--yes")
        assert (wrong.code, "door.backup: does not open: another passphrase" in wrong.err) == (1, True)

    def test_who_says_no_changes_nothing(self, anna, monkeypatch, tmp_path):
        public = anna.run("backup-key", "owner.key").out.strip()
        anna("backup", "door.backup", "--to", public)
        (tmp_path / "no").write_text("n\n")
        with (tmp_path / "no").open() as keyboard:
            monkeypatch.setattr("sys.stdin", keyboard)
            assert anna("restore", "door.backup", "--key", "owner.key").code == 1
        assert not (anna.folder / "data" / "restoring").exists()

    @pytest.mark.parametrize(
        ("arguments", "code", "match"),
        [
            (("backup", "f"), 2, "say who opens it"),
            (("backup", "f", "--to", "x"), 2, "a public backup key begins with"),
            (("restore", "f"), 2, "say what opens it"),
            (("restore", "f", "--key", "absent"), 2, "absent: cannot read the backup key"),
            (("backup", "no/folder/" + "x" * 300, "--to", "PUBLIC"), 1, "cannot be written"),
            (("restore", "f", "--key", "owner.key"), 1, "f: cannot be read"),
            (("restore", "1.png", "--key", "owner.key"), 1, "1.png: is no backup of Latchkey"),
        ],
    )
    def test_mistakes_are_told_and_nothing_else(self, anna, arguments, code, match):
        public = anna.run("backup-key", "owner.key").out.strip()
        told = anna(*(public if word == "PUBLIC" else word for word in arguments))
        assert (told.code, match in " ".join(told.err.split())) == (code, True), told.err
        assert "Traceback" not in told.err

    def test_while_an_agent_runs_it_is_made_but_not_put_back(self, anna):
        public = anna.run("backup-key", "owner.key").out.strip()
        with agent_lock(anna.database):
            assert anna("backup", "door.backup", "--to", public).code == 0
            told = anna("restore", "door.backup", "--key", "owner.key", "--yes")
        assert (told.code, "another agent" in told.err) == (2, True)


@pytest.fixture
def real(tmp_path, capsys, monkeypatch):
    """The real models: the trial is a process of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agent.toml").write_text(
        f'[device]\ndata_dir = "data"\n[mqtt]\nenabled = false\n[security]\nkeep_crops = true\n'
        f'[privacy]\nrequire_consent = false\n[trust]\nowner = "{OWNER.public.text}"\n'
    )

    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--config", str(tmp_path / "agent.toml")])
        return Outcome(code, *capsys.readouterr())

    yield run
    forget_logging()


class TestModels:
    def test_others_are_installed_and_taken_back(self, real, tmp_path):
        assert real("enrol", "ada", STAFF / "ada-1.jpg", STAFF / "ada-2.jpg").code == 0
        (tmp_path / "new").write_bytes(bundles.real(tmp_path / "made", NEWER))
        done = real("models", "install", "new")
        assert done.code == 0, done.err
        assert f"{NEWER} is in force: 2 templates of 1 people made anew" in done.out
        assert "in force already" in real("models", "install", "new").out
        assert real("models", "list", "--json").json["encoder"] == NEWER
        assert "previous: configured" in real("models", "list").out
        assert "ada" in real("identify", STAFF / "ada-3.jpg").out
        assert "2 templates" in real("models", "rollback").out
        again = real("models", "rollback")
        assert (again.code, "no models to go back to" in again.err) == (1, True)

    def test_what_is_no_bundle_changes_nothing(self, real, tmp_path):
        assert real("enrol", "ada", STAFF / "ada-1.jpg").code == 0
        (tmp_path / "junk").write_bytes(b"junk")
        for file, code, match in (("junk", 1, "no bundle of models"), ("absent", 2, "cannot be read")):
            told = real("models", "install", file)
            assert (told.code, match in told.err) == (code, True)
        assert real("models", "list", "--json").json["proved"]
