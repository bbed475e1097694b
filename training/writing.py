"""Files that are written as a whole or not at all: a kill or a full disk leaves what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from training.errors import RunError


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yields where to write a file, which takes its place when all went well; its folder is made.

    Raises:
        RunError: it could not be written; the one before is still there.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except (OSError, RuntimeError) as error:  # PyTorch's own writer raises the second
        raise unwritten(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Writes a file of text, see `writing`."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def unwritten(path: Path, error: Exception) -> RunError:
    """Returns what is said where a file cannot be written."""
    return RunError(
        f"{path} cannot be written: {briefly(error)}; what was there before is kept: look at the disk (df -h "
        f"{path.parent}), then start the same command again: a training will go on from its last look"
    )


def briefly(error: BaseException) -> str:
    """Returns the first two lines of what an error says, as one."""
    return " ".join(" ".join(str(error).splitlines()[:2]).split())
