"""send_arp: one gratuitous ARP frame, with the arguments it always had."""

from __future__ import annotations

import socket
import sys
from ipaddress import IPv4Address

import click

from lvs_engine.adapters.net_packets import PacketSender
from lvs_engine.errors import KernelError
from lvs_engine.network.arp import gratuitous_reply, parse_mac

USAGE = "usage: send_arp [-i dev] src_ip src_mac targ_ip targ_mac"


@click.command(
    context_settings={"ignore_unknown_options": False, "help_option_names": ["--help"]}
)
@click.option("-i", "device", default="eth0", show_default=True, help="Send on DEVICE.")
@click.argument("src_ip")
@click.argument("src_mac")
@click.argument("targ_ip")
@click.argument("targ_mac")
def command(
    device: str, src_ip: str, src_mac: str, targ_ip: str, targ_mac: str
) -> None:
    """Tell the neighbours on DEVICE that SRC_IP is at SRC_MAC.

    One ARP reply goes to TARG_MAC (ffffffffffff is everybody). Hardware addresses are
    twelve hexadecimal digits, with or without colons. TARG_IP is required and, as it
    always was, not used.
    """
    del targ_ip
    try:
        source = parse_mac(src_mac)
        frame = gratuitous_reply(source, _host(src_ip), parse_mac(targ_mac))
        with PacketSender() as sender:
            sender.send(device, frame)
    except (ValueError, KernelError) as error:
        raise click.ClickException(str(error)) from None


def _host(text: str) -> IPv4Address:
    """An address or host name, as address; ValueError for anything else."""
    try:
        return IPv4Address(socket.gethostbyname(text))
    except OSError:
        raise ValueError(f"unknown host {text}") from None


def main() -> None:
    """Exit 0 when the frame is sent, 1 for everything else, wrong usage included."""
    try:
        command.main(prog_name="send_arp", standalone_mode=False)
    except click.UsageError as error:
        click.echo(f"send_arp: {error.format_message()}\n{USAGE}", err=True)
    except click.ClickException as error:
        click.echo(f"send_arp: {error.format_message()}", err=True)
    else:
        return
    sys.exit(1)


if __name__ == "__main__":
    main()
