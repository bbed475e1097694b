"""Engines that the table of backends can name."""

from typing import ClassVar

from tests.fakes.blocks import BlockEngine

NOTING = "tests.fakes.engines:NotingEngine"


class NotingEngine(BlockEngine):
    """Finds blocks, and notes how it was asked for."""

    asked: ClassVar[list] = []  # (name of the file, options), of all there ever were: cleared by who looks

    def __init__(self, path, **options):
        self.asked.append((path.name, options))
        super().__init__(path)
