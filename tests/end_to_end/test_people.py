"""People come and go while the agent runs: over MQTT, and by another process."""

from agent.mqtt.message import Code
from tests.end_to_end.patience import wait_for
from tests.end_to_end.pictures import visit

KNOWN, UNKNOWN = ("granted", "ada"), ("denied", None)


def test_people_are_known_and_forgotten_without_a_restart(make_terminal, mosquitto, witness, pictures):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port)
    terminal.show(visit(pictures, "ada"))
    running = terminal.start()

    def next_visit(verdict):
        """Waits for one that ends so: the visitor who is there now may have been judged by what was before."""
        before = len(terminal.decisions())
        wait_for(
            lambda: verdict in [(outcome, person) for outcome, _, person in terminal.decisions()[before:]],
            what=lambda: f"{verdict} after {before} of {terminal.decisions()}",
        )

    next_visit(UNKNOWN)
    enrolled = witness.request("enrol", id="first", person="ada", name="Ada", photos=[pictures.ada])
    assert (enrolled.ok, enrolled.data["added"]) == (True, 1)
    next_visit(KNOWN)
    assert witness.request("remove", id="second", person="ada").ok
    next_visit(UNKNOWN)

    (terminal.folder / "ada.png").write_bytes(pictures.ada)
    done = terminal.run("enrol", "ada", terminal.folder / "ada.png")
    assert (done.returncode, done.stdout) == (0, "ada: 1 photo added, 1 template\n")
    next_visit(KNOWN)
    assert terminal.run("people", "remove", "ada", "--yes").returncode == 0
    next_visit(UNKNOWN)

    assert running.stop() == 0
    changes = [event.body for event in terminal.check() if event.kind == "audit"]
    assert [(change["action"], change["by"].partition(":")[0]) for change in changes] == [
        ("enrolled", "mqtt"), ("removed", "mqtt"), ("enrolled", "cli"), ("removed", "cli"),
    ]  # fmt: skip
    witness.heard_all_of(terminal.recorded())


def unsigned(result):
    return result.model_copy(update={"signature": None})


def test_a_command_that_comes_twice_is_answered_twice_and_done_once(make_terminal, mosquitto, witness, pictures):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port)
    terminal.show([pictures.empty])
    running = terminal.start()
    enrol = {"id": "enrol-1", "person": "ada", "photos": [pictures.ada]}
    first = witness.request("enrol", **enrol)
    assert first.ok
    again = unsigned(first.model_copy(update={"code": Code.SEEN_BEFORE}))
    assert unsigned(witness.request("enrol", **enrol)) == again
    removed = witness.request("remove", id="remove-1", person="ada")
    assert removed.ok
    assert unsigned(witness.request("enrol", **enrol)) == again  # told what it was; not enrolled again
    assert witness.request("list").data["people"] == []

    running.kill()
    running = terminal.start()  # it remembers across its death
    wait_for(lambda: [status["state"] for status in witness.on("status")].count("online") >= 2, what="the second birth")
    assert unsigned(witness.request("enrol", **enrol)) == again
    again = unsigned(removed.model_copy(update={"code": Code.SEEN_BEFORE}))
    assert unsigned(witness.request("remove", id="remove-1", person="ada")) == again
    assert witness.request("remove", id="enrol-1", person="ada").code == "id_reused"
    assert witness.request("list").data["people"] == []
    assert running.stop() == 0
    done = [event.body for event in terminal.check() if event.body["action"] != "command_refused"]
    assert [body["command_id"] for body in done] == ["enrol-1", "remove-1"]
