"""The file on disk: nothing lost, nothing half written, nobody overwritten."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lvs_engine.adapters import config_file
from lvs_engine.adapters.config_file import ConfigFile, service_ports
from lvs_engine.errors import ConfigError, StaleRevisionError

OLD = "keepalive = 6\n"
NEW = "keepalive = 7\n"
NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "lvs.cf"
    found.write_text(OLD)
    return found


def test_every_byte_survives_reading_and_saving(path: Path) -> None:
    data = b'\xef\xbb\xbf# caf\xe9 \xff\r\nsend = "\x00"\r\n\n\rlast'
    path.write_bytes(data)
    file = ConfigFile(path)
    stored = file.read()
    path.write_bytes(data)
    file.save(stored.text, stored.revision)
    assert path.read_bytes() == data


def test_a_save_gives_the_revision_of_what_was_saved(path: Path) -> None:
    file = ConfigFile(path)
    before = file.read().revision
    after = file.save(NEW, before)
    assert (path.read_text(), file.read().revision) == (NEW, after)
    assert after != before


def test_a_file_changed_by_somebody_else_is_not_overwritten(path: Path) -> None:
    file = ConfigFile(path)
    revision = file.read().revision
    path.write_text("keepalive = 99\n")
    with pytest.raises(
        StaleRevisionError, match=f"{path} was changed by somebody else"
    ):
        file.save(NEW, revision)
    assert path.read_text() == "keepalive = 99\n"


def test_of_two_writers_at_once_one_is_told_to_look_again(path: Path) -> None:
    revision = ConfigFile(path).read().revision
    outcomes: list[str] = []

    def save(number: int) -> None:
        try:
            ConfigFile(path).save(f"keepalive = {number}\n", revision)
            outcomes.append("saved")
        except StaleRevisionError:
            outcomes.append("stale")

    threads = [threading.Thread(target=save, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["saved"] + ["stale"] * 7


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lvs\.cf: there is no such file"):
        ConfigFile(tmp_path / "lvs.cf").read()


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        ConfigFile(tmp_path).read()


def test_a_deleted_file_is_not_made_again_by_a_writer_who_had_read_it(
    path: Path,
) -> None:
    file = ConfigFile(path)
    revision = file.read().revision
    path.unlink()
    with pytest.raises(StaleRevisionError):
        file.save(NEW, revision)
    assert not path.exists()


def test_the_mode_is_kept(path: Path) -> None:
    path.chmod(0o664)
    file = ConfigFile(path)
    file.save(NEW, file.read().revision)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


@as_root
def test_owner_and_group_are_kept(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY)
    file = ConfigFile(path)
    file.save(NEW, file.read().revision)
    assert (path.stat().st_uid, path.stat().st_gid) == (NOBODY, NOBODY)


def test_a_symbolic_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.cf"
    link.symlink_to(path)
    file = ConfigFile(link)
    file.save(NEW, file.read().revision)
    assert link.is_symlink()
    assert path.read_text() == NEW


def test_nothing_but_the_file_is_left_in_the_folder(path: Path) -> None:
    file = ConfigFile(path)
    file.save(NEW, file.read().revision)
    assert [p.name for p in path.parent.iterdir()] == ["lvs.cf"]


def test_a_file_beyond_the_limit_is_refused_by_its_size(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_file, "SIZE_LIMIT", 10)
    with pytest.raises(ConfigError, match="11 bytes or more are too large"):
        ConfigFile(path).read()
    with pytest.raises(ConfigError, match="14 bytes or more are too large, 10 are"):
        ConfigFile(path).save(NEW, "any")
    assert path.read_text() == OLD


CHILD = """
import os, signal, sys
from pathlib import Path
from lvs_engine.adapters.config_file import ConfigFile
path, step = Path(sys.argv[1]), int(sys.argv[2])
file = ConfigFile(path)
revision = file.read().revision
def trace(event, argument, count=[0]):
    if event in ("open", "os.rename", "os.chmod", "os.fsync", "fcntl.flock", "os.listdir"):
        count[0] += 1
        if count[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(trace)
file.save("keepalive = 7\\n" * 1000, revision)
print("saved")
"""


def test_a_writer_killed_at_any_step_leaves_the_old_text_or_the_new_one(
    path: Path,
) -> None:
    outcomes = set()
    for step in range(1, 40):
        path.write_text(OLD)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(path), str(step)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        text = path.read_text()
        assert text in (OLD, NEW * 1000)
        outcomes.add((done.returncode, text == OLD))
        # The next writer is not kept out, and clears what was left behind.
        file = ConfigFile(path)
        file.save("x = 1\n", file.read().revision)
        assert [p.name for p in path.parent.iterdir()] == ["lvs.cf"]
        if done.returncode == 0:
            break
    killed = -signal.SIGKILL
    assert outcomes == {(killed, True), (killed, False), (0, False)}


def test_a_full_disk_leaves_the_old_text(path: Path) -> None:
    # A limit on the size of files stands in for the disk: the write fails half way.
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from lvs_engine.adapters.config_file import ConfigFile\n"
        "from lvs_engine.errors import ConfigError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "file = ConfigFile(Path(sys.argv[1]))\n"
        "revision = file.read().revision\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    file.save('x = 1\\n' * 10000, revision)\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert f"{path} cannot be written: File too large" in done.stdout
    assert path.read_text() == OLD
    assert [p.name for p in path.parent.iterdir()] == ["lvs.cf"]


@as_root
def test_a_folder_without_the_right_to_write_is_named_with_owner_and_mode(
    path: Path,
) -> None:
    path.chmod(0o666)
    path.parent.chmod(0o755)
    for parent in path.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    code = (
        "import grp, hashlib, os, pwd, sys\n"  # nobody may not read every Python
        "from pathlib import Path\n"
        "from lvs_engine.adapters.config_file import ConfigFile\n"
        "from lvs_engine.errors import ConfigError\n"
        "os.setgid(65534), os.setuid(65534)\n"
        "file = ConfigFile(Path(sys.argv[1]))\n"
        "try:\n"
        "    file.save('x = 1\\n', file.read().revision)\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert "cannot be written: Permission denied" in done.stdout
    assert f"{path} (owner root:root, mode 0666)" in done.stdout
    assert f"{path.parent} (owner root:root, mode 0755)" in done.stdout
    assert path.read_text() == OLD


def test_service_names_come_from_the_system(tmp_path: Path) -> None:
    services = tmp_path / "services"
    services.write_text(
        "# names\nhttp 8080/tcp www www-http # here\nodd\nntp 123/udp\nshop 9000/tcp\n"
    )
    ports = service_ports(services)
    assert (ports["http"], ports["www-http"], ports["shop"]) == (8080, 8080, 9000)
    assert "ntp" not in ports


def test_the_best_known_names_are_known_without_a_services_file(tmp_path: Path) -> None:
    assert service_ports(tmp_path / "none")["smtp"] == 25


def test_the_text_alone_is_the_same_text(path: Path) -> None:
    assert ConfigFile(path).text() == ConfigFile(path).read().text


def test_file_and_folder_reach_the_disk_around_the_rename(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        steps.append("sync file" if name.endswith(".tmp") else f"sync {name}")
        sync(descriptor)

    def noted_rename(source: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    file = ConfigFile(path)
    file.save(NEW, file.read().revision)
    assert steps == ["sync file", "rename", f"sync {path.parent.name}"]


def test_a_pipe_in_place_of_the_file_is_refused_without_waiting(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is not a regular file"):
        ConfigFile(path).read()
