from __future__ import annotations

import pytest

from lvs_engine.cli import send_arp

GOOD = ["192.0.2.10", "02005e005301", "192.0.2.255", "ffffffffffff"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'SRC_IP'"),
        (GOOD[:3], "Missing argument 'TARG_MAC'"),
        ([*GOOD, "more"], "unexpected extra argument"),
        (["-x", *GOOD], "No such option"),
        ([GOOD[0], "0200", *GOOD[2:]], "'0200' is not a hardware address"),
        (["no.such.host.invalid", *GOOD[1:]], "unknown host no.such.host.invalid"),
        (["-i", "nodevice0", *GOOD], "nodevice0"),
    ],
)
def test_every_fault_is_told_on_stderr_with_exit_code_1(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["send_arp", *arguments])
    with pytest.raises(SystemExit) as ended:
        send_arp.main()
    assert ended.value.code == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.startswith("send_arp: ")
    assert captured.out == ""
