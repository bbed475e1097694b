"""deploy/README.md, command by command: real Mosquitto with TLS, real agents, the real command line."""

import re
import shutil
from pathlib import Path

import cv2
import pytest

from agent.config import load_config
from agent.seal.keyring import site_key
from agent.store import events, people
from agent.store.db import open_db
from tests.conftest import MOSQUITTO
from tests.end_to_end.patience import wait_for
from tests.end_to_end.street import ROOT, Street

PAGE = ROOT / "deploy" / "README.md"
WHERE = re.compile(r"\b(?:[Oo]n|[Ff]rom) (?:the )?\*\*(\w+)\*\*")
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PLACEHOLDERS = {  # what the page leaves to the reader to copy from what was printed before
    "CODE": re.compile(r"\b([0-9A-HJKMNP-TV-Z]{5}-?[0-9A-HJKMNP-TV-Z]{5})\b"),
    "PUBLIC": re.compile(r"public: (\S+)"),
    "ID": re.compile(r"\b([0-9a-f]{16})\b(?=[^\n]*\bben\b)|\bben\b[^\n]*?\b([0-9a-f]{16})\b"),
}
ALSO_ON = {"front": ["front", "side"]}  # "On front, and the same on side"

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: sudo apt install mosquitto")


def blocks():
    """(heading, machines, lines) of each block of commands, in order."""
    found = []
    text = PAGE.read_text(encoding="utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, rest, at = section.split("\n", 1)[0], section, 0
        for block in BLOCK.finditer(rest):
            before = " ".join(rest[at : block.start()].split())
            named = WHERE.findall(before)
            assert named, f"{heading}: no machine is named before\n{block[1]}"
            both = re.search(r"On \*\*front\*\*,? and (?:the same )?on \*\*side\*\*", before)
            found.append((heading, ["front", "side"] if both else [named[-1]], block[1].strip().splitlines()))
            at = block.end()
    return found


def edited(machine, text):
    """What the reader of the page does in the editor: the port, the folder, and what is attached here."""
    folder = machine.root / "var/lib/latchkey"
    (folder / "synchronised").touch()
    play = folder / "play"
    if not play.exists():
        play.mkdir()
        write_play(play)
    text = text.replace("port = 8883", f"port = {machine.street.port}")
    text = text.replace("[device]\n", f'[device]\ndata_dir = "{folder}"\n')
    return text + (
        f'[camera]\nbackend = "files"\nsource = "{play}"\nfps = 10.0\nloop = true\n'
        f'[clock]\nsynchronised_file = "{folder}/synchronised"\n'
    )


def write_play(folder):
    """Nobody, then Ada, again and again."""
    number = 0
    for picture, times in ((None, 15), ("ada-1.jpg", 4), ("ada-2.jpg", 4)):
        shown = cv2.imread(str(ROOT / "agent/demo/staff" / (picture or "ada-1.jpg")))
        if picture is None:
            shown[:] = 90
        for _ in range(times):
            cv2.imwrite(str(folder / f"{number:03}.png"), shown)
            number += 1


class Reader:
    """Does what the page says, and copies what it says to copy."""

    def __init__(self, street):
        self.street, self.printed = street, ""

    def does(self, machine, line):
        for name, pattern in PLACEHOLDERS.items():
            if re.search(rf"\b{name}\b", line):
                found = list(pattern.finditer(self.printed))
                assert found, f"{line}: no {name} in what was printed:\n{self.printed[-3000:]}"
                line = re.sub(rf"\b{name}\b", next(filter(None, found[-1].groups())), line)
        if "< site.key" in line:  # "Carry it over"
            shutil.move(self.street.machine("front").home / "site.key", self.street.machine(machine).home)
        status, said = self.street.machine(machine).run(line)
        self.printed += f"{machine}$ {line}\n{said}"
        print(f"{machine}$ {line}\n{said}")  # where it fails, pytest shows all of it
        fails = line.endswith("# fails")
        assert (status != 0) == fails, f"{machine}$ {line}\n{said}\n{self.street.machine(machine).said()[-2000:]}"


def database(machine):
    config = load_config(machine.root / "etc/latchkey/agent.toml", {}, {})
    return open_db(config.database_path, key=site_key(config))


def enrolled(machine):
    with database(machine) as db:
        return {each.id: each.templates > 0 for each in people.list_people(db)}


def granted(machine):
    with database(machine) as db:
        return {each.body["person"] for each in events.since(db, 0, 100_000)
                if each.kind == "access" and each.body["outcome"] == "granted"}  # fmt: skip


def unlocked(machine):
    with database(machine) as db:
        return [each.body["by"] for each in events.since(db, 0, 100_000)
                if each.kind == "audit" and each.body["action"] == "unlocked"]  # fmt: skip


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    made = Street(tmp_path_factory.mktemp("street"), edited)
    yield made
    made.close()


@pytest.mark.timeout(600)
def test_every_command_of_the_page_does_what_it_says(street):
    reader, before = Reader(street), ""
    checks = {"6.": staff_is_at_both_doors, "7.": ben_opens_the_side_door, "8.": nobody_opens_anything_more,
              "9.": the_new_door_has_its_staff}  # fmt: skip
    for heading, machines, lines in [*blocks(), ("end", [], [])]:
        if before != heading and (check := checks.get(before[:2])):
            check(street)
        before = heading
        for machine in machines:
            for line in lines:
                reader.does(machine, line)


def staff_is_at_both_doors(street):
    doors = [street.machine(name) for name in ("front", "side")]
    assert [enrolled(door) for door in doors] == [{"ada": True, "bruno": True}] * 2
    assert unlocked(doors[0]) == ["mqtt:anna"]
    for door in doors:
        wait_for(lambda door=door: "ada" in granted(door), what="Ada to be let in")


def ben_opens_the_side_door(street):
    assert unlocked(street.machine("side")) == ["mqtt:ben"]


def nobody_opens_anything_more(street):
    assert unlocked(street.machine("side")) == ["mqtt:ben"]


def the_new_door_has_its_staff(street):
    assert enrolled(street.machine("spare")) == {"ada": True}


def test_the_page_names_files_that_there_are():
    text = PAGE.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (PAGE.parent / target).exists(), target
    assert Path("deploy/mosquitto/latchkey.conf").name in text
