"""All targets there are, by name. A new parser gets a target, and a module its line here."""

from tests.fuzz.target import Target
from tests.fuzz.targets import files, lines, messages, texts, wire

EVERY: dict[str, Target] = {
    target.name: target for module in (messages, lines, texts, files, wire) for target in module.TARGETS
}
