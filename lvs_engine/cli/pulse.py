"""`pulse`: the router's daemon, with the options it always had."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from lvs_engine import __version__
from lvs_engine.adapters.heartbeat_key import read_key
from lvs_engine.adapters.names import Names
from lvs_engine.adapters.net_netlink import NetlinkAddresses
from lvs_engine.config.model import Cluster
from lvs_engine.daemons import background, logs
from lvs_engine.daemons.configuration import Configuration, UnusableError
from lvs_engine.daemons.lvsd_child import lvsd_command
from lvs_engine.daemons.planes import NAMES
from lvs_engine.daemons.pulse import Pulse, find_stance
from lvs_engine.daemons.pulse import main as serve
from lvs_engine.daemons.pulse_parts import real_parts
from lvs_engine.daemons.runtime import (
    DEFAULT_CONFIGURATION,
    pid_file,
    run,
    runtime_directory,
)
from lvs_engine.errors import ConfigError, PiranhaError
from lvs_engine.network.addresses import diff, host_names, wanted
from lvs_engine.network.stance import Stance, router_names
from lvs_engine.values import Role, ServiceKind

_NOT_NEEDED = 255
_KEY_FILE = Path("/etc/sysconfig/ha/conf/piranha.key")
_FIRST_ERROR = re.compile(r":(\d+):\d+: error: (.*)   \[")

log = logging.getLogger("lvs_engine.cli.pulse")  # also when it is run as a module


@click.command(context_settings={"help_option_names": ["-?", "--help", "--usage"]})
@click.option(
    "-c",
    "--configfile",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIGURATION,
    show_default=True,
    help="Configuration file.",
)
@click.option(
    "-n", "--nodaemon", is_flag=True, help="Stay in the foreground, log to stderr."
)
@click.option("-v", "--verbose", is_flag=True, help="Log debug lines too.")
@click.option(
    "-t",
    "--test-start",
    "--norun",
    is_flag=True,
    help="Say what would be done, do nothing, and end.",
)
@click.option("--forceactive", is_flag=True, help="Become active whatever the role.")
@click.option("--lvsd", "--lvs", metavar="PATH", help="Another lvsd.")
@click.option("--fos", metavar="PATH", hidden=True, help="Accepted for old scripts.")
@click.option(
    "--plane",
    type=click.Choice(NAMES),
    default="auto",
    show_default=True,
    help="What balances: IPVS where the kernel has it, else nftables.",
)
@click.option(
    "--runtime-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=runtime_directory,
    show_default="$PIRANHA_RUNTIME_DIR or /run/piranha",
    help="Where sockets, pid files and state files are.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    default=_KEY_FILE,
    show_default=True,
    help="The key that both routers share; without it heartbeats are not signed.",
)
@click.version_option(__version__, message="pulse %(version)s (piranha)")
def command(
    configfile: Path,
    nodaemon: bool,
    verbose: bool,
    test_start: bool,
    forceactive: bool,
    lvsd: str | None,
    fos: str | None,
    plane: str,
    runtime_dir: Path,
    key_file: Path,
) -> int:
    """Hold the floating addresses of CONFIGFILE while this router is active.

    Signals: TERM and INT withdraw addresses and table and stop; HUP reads the file again;
    USR1 writes the state to the runtime directory; USR2 switches debug lines. Logs to
    syslog; where there is none, to pulse.log in the runtime directory.
    """
    del fos
    # Children run elsewhere when we are a daemon; both files are named absolutely.
    configfile, runtime_dir = configfile.absolute(), runtime_dir.absolute()
    key_file = key_file.absolute()
    options = ["-c", str(configfile), "--plane", plane, *(["-v"] if verbose else [])]
    child = lvsd_command(lvsd, "--nodaemon" if nodaemon else "--nofork", *options)
    if test_start:
        return run(_rehearse(configfile, runtime_dir, child, forced=forceactive))
    tell: background.Tell = _nothing
    if not nodaemon:
        tell = background.go(logs.own_file(runtime_dir / "pulse.log"))
    logs.set_up("pulse", foreground=nodaemon, verbose=verbose)
    with pid_file(runtime_dir / "pulse.pid"):
        ready = partial(tell, 0)
        try:
            serving = _serve(
                configfile, runtime_dir, child, ready, key_file, forced=forceactive
            )
            status = run(serving)
        except (PiranhaError, OSError):
            raise
        except Exception:
            log.exception("ended by a fault of its own; addresses and table stay")
            return 1
    tell(status)
    return status


async def _serve(
    configfile: Path,
    runtime_dir: Path,
    child: list[str],
    ready: Callable[[], None],
    key_file: Path,
    *,
    forced: bool,
) -> int:
    configuration, _, stance = await _judge(configfile, runtime_dir, forced=forced)
    log.info("STARTING PULSE AS %s", "BACKUP" if _is_backup(stance) else "MASTER")
    if not stance.needed:
        log.warning("%s", stance.reason)
        return _NOT_NEEDED
    if stance.paired:
        read_key(key_file)  # one that cannot be used ends us here, with the reason
    with real_parts(configuration, runtime_dir, child, key_file) as parts:
        pulse = Pulse(parts, stance, runtime_dir, forced=forced)
        return await serve(pulse, ready)


async def _rehearse(
    configfile: Path, runtime_dir: Path, child: list[str], *, forced: bool
) -> int:
    """Tell what `_serve` would do; reads, and changes nothing (KF-20)."""
    configuration, names, stance = await _judge(configfile, runtime_dir, forced=forced)
    cluster = configuration.running.cluster
    lines = [*configuration.running.warnings]
    lines.append(f"role: {stance.role or 'neither'}; {stance.reason}")
    if stance.warning:
        lines.append(f"warning: {stance.warning}")
    if not stance.needed:
        click.echo("\n".join(lines))
        return _NOT_NEEDED
    lines.append(f"would run: {' '.join(child)}")
    if stance.active:
        floating = wanted(cluster, names.known)
        found = await asyncio.to_thread(NetlinkAddresses().look)
        changes = diff(floating.addresses, found.addresses, ())
        lines += [f"would add {change.key}" for change in changes]
        lines += floating.problems
    click.echo("\n".join(lines))
    return 0


async def _judge(
    configfile: Path, runtime_dir: Path, *, forced: bool
) -> tuple[Configuration, Names, Stance]:
    """The configuration, the names in it, and what this node does.

    Raises:
        ConfigError: the file cannot be used, with the words of the original first.
    """
    configuration = Configuration(configfile, runtime_dir / "pulse.last-good.cf")
    try:
        configuration.take(*await configuration.first())
    except UnusableError as error:
        raise ConfigError(_words(configfile, error)) from None
    cluster = configuration.running.cluster
    _require_services(cluster, configfile)
    names = Names()
    await names.look_up(host_names(cluster) | router_names(cluster))
    stance = await find_stance(cluster, NetlinkAddresses(), names.known, forced=forced)
    return configuration, names, stance


def _require_services(cluster: Cluster, configfile: Path) -> None:
    if cluster.service is ServiceKind.FOS:
        raise ConfigError(
            f"{configfile}: service = fos: failover services are not run by this "
            "version; service = lvs is"
        )
    if not any(v.active for v in cluster.virtuals):
        raise ConfigError(f"no active lvs services defined in {configfile}")


def _words(configfile: Path, error: UnusableError) -> str:
    if not error.revision:
        return f"failed to open {configfile}\n{error}"
    first = _FIRST_ERROR.search(error.problems[0])
    if first is None:
        return str(error)
    return f"error parsing {configfile} at line {first[1]}: {first[2]}\n{error}"


def _is_backup(stance: Stance) -> bool:
    return stance.role is Role.BACKUP or not (stance.active or stance.paired)


def main() -> None:
    """Exit status 0 after a stop, 255 on a backup that is not in use, else 1."""
    try:
        status = command.main(prog_name="pulse", standalone_mode=False)
    except click.NoSuchOption as error:
        status = _fail(f"bad argument {error.option_name}: unknown option")
    except click.UsageError as error:
        text = error.format_message()
        extra = "unexpected extra argument" in text
        status = _fail("unexpected arguments" if extra else f"bad argument: {text}")
    except (PiranhaError, OSError) as error:
        status = _fail(str(error))
    sys.exit(status)


def _fail(text: str) -> int:
    click.echo(f"pulse: {text}", err=True)
    return 1


def _nothing(status: int) -> None:
    """The caller waits for our end, if for anything."""
    del status


if __name__ == "__main__":
    main()
