"""The pictures in ``screenshots/`` are what the app shows today."""

import subprocess
import sys
from pathlib import Path

from tests.shoot import SCREENSHOTS

README = SCREENSHOTS / "README.md"


def test_no_screenshot_is_stale(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.shoot", str(tmp_path)], check=True, cwd=SCREENSHOTS.parent, timeout=300
    )
    made = {path.name: path.read_text() for path in tmp_path.glob("*.svg")}
    kept = {path.name: path.read_text() for path in SCREENSHOTS.glob("*.svg")}
    assert sorted(made) == sorted(kept)
    stale = [name for name in made if made[name] != kept[name]]
    assert not stale, f"make them again: python -m tests.shoot ({', '.join(stale)})"


def test_the_journey_shows_every_one() -> None:
    text = README.read_text()
    assert [path.name for path in SCREENSHOTS.glob("*.svg") if f"({path.name})" not in text] == []
