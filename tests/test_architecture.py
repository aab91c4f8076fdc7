"""The shape of the tree is checked like behaviour: layers, sizes, the fixed top level."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXED = {"piranha_web", "templates", "static", "tests", "lvs_engine"}


def modules() -> list[Path]:
    return [
        path
        for package in ("lvs_engine", "piranha_web")
        for path in (ROOT / package).rglob("*.py")
    ]


def test_the_layers_point_downwards_and_the_domain_does_no_io() -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not path.read_text().lstrip().startswith(('"""', "#!", 'r"""'))
    ]
    assert silent == []


def test_the_fixed_top_level_is_there() -> None:
    assert {name for name in FIXED if (ROOT / name).is_dir()} == FIXED
    assert (ROOT / "wsgi.py").is_file()


def test_no_file_names_a_package_registry_or_a_path_of_a_developer() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    banned = (
        "files.python" + "hosted.org",
        "registry.npm" + "js.org",
        "/work/" + "main",
    )
    guilty = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".png", ".ico"} or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        guilty += [f"{name}: {word}" for word in banned if word in text]
    assert guilty == []
