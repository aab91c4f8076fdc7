"""Numbers of the kernel's IPVS netlink interface, from `linux/ip_vs.h`.

Only what this package uses. Names follow the header without its IPVS_ prefix, so
that a reader can look them up.
"""

from __future__ import annotations

from typing import Final

GENL_NAME: Final = "IPVS"
GENL_VERSION: Final = 1

CMD_NEW_SERVICE: Final = 1
CMD_SET_SERVICE: Final = 2
CMD_DEL_SERVICE: Final = 3
CMD_GET_SERVICE: Final = 4
CMD_NEW_DEST: Final = 5
CMD_SET_DEST: Final = 6
CMD_DEL_DEST: Final = 7
CMD_GET_DEST: Final = 8
CMD_NEW_DAEMON: Final = 9
CMD_DEL_DAEMON: Final = 10
CMD_GET_DAEMON: Final = 11
CMD_SET_CONFIG: Final = 12
CMD_GET_CONFIG: Final = 13
CMD_SET_INFO: Final = 14
CMD_GET_INFO: Final = 15

ATTR_SERVICE: Final = 1
ATTR_DEST: Final = 2
ATTR_DAEMON: Final = 3
ATTR_TIMEOUT_TCP: Final = 4
ATTR_TIMEOUT_TCP_FIN: Final = 5
ATTR_TIMEOUT_UDP: Final = 6

SVC_AF: Final = 1
SVC_PROTOCOL: Final = 2
SVC_ADDR: Final = 3
SVC_PORT: Final = 4  # big-endian
SVC_FWMARK: Final = 5
SVC_SCHED_NAME: Final = 6
SVC_FLAGS: Final = 7  # two words: flags, and the mask of those that count
SVC_TIMEOUT: Final = 8
SVC_NETMASK: Final = 9  # IPv4: big-endian mask; IPv6: prefix length in host order
SVC_PE_NAME: Final = 11
SVC_STATS64: Final = 12

DEST_ADDR: Final = 1
DEST_PORT: Final = 2  # big-endian
DEST_FWD_METHOD: Final = 3
DEST_WEIGHT: Final = 4
DEST_U_THRESH: Final = 5
DEST_L_THRESH: Final = 6
DEST_ACTIVE_CONNS: Final = 7
DEST_INACT_CONNS: Final = 8
DEST_PERSIST_CONNS: Final = 9
DEST_ADDR_FAMILY: Final = 11
DEST_STATS64: Final = 12
DEST_TUN_TYPE: Final = 13
DEST_TUN_PORT: Final = 14  # big-endian
DEST_TUN_FLAGS: Final = 15

STATS_CONNS: Final = 1
STATS_INPKTS: Final = 2
STATS_OUTPKTS: Final = 3
STATS_INBYTES: Final = 4
STATS_OUTBYTES: Final = 5

DAEMON_STATE: Final = 1
DAEMON_MCAST_IFN: Final = 2
DAEMON_SYNC_ID: Final = 3
DAEMON_SYNC_MAXLEN: Final = 4
DAEMON_MCAST_GROUP: Final = 5
DAEMON_MCAST_GROUP6: Final = 6
DAEMON_MCAST_PORT: Final = 7
DAEMON_MCAST_TTL: Final = 8

INFO_VERSION: Final = 1
INFO_CONN_TAB_SIZE: Final = 2

SVC_F_PERSISTENT: Final = 0x01
SVC_F_HASHED: Final = 0x02  # the kernel's own; never asked for
SVC_F_ONEPACKET: Final = 0x04
SVC_F_SCHED1: Final = 0x08  # sh: fallback; mh: fallback
SVC_F_SCHED2: Final = 0x10  # sh: port; mh: port
SVC_F_SCHED3: Final = 0x20  # no scheduler uses it yet
SVC_F_OURS: Final = (
    SVC_F_PERSISTENT | SVC_F_ONEPACKET | SVC_F_SCHED1 | SVC_F_SCHED2 | SVC_F_SCHED3
)

FWD_MASK: Final = 0x07
FWD_MASQ: Final = 0
FWD_LOCALNODE: Final = 1
FWD_TUNNEL: Final = 2
FWD_DROUTE: Final = 3

STATE_MASTER: Final = 1
STATE_BACKUP: Final = 2
