"""A kernel with IPVS for machines whose own has none: Debian's, in an emulated guest.

`python -m tests.guest run -- COMMAND` runs a command as root in it, on this file
system, and gives back its output and exit status. Nothing of the host's own kernel,
boot loader or packages is touched; `test-bed` facts are in the modules.
"""

from tests.guest.kernel import host_has_ipvs, missing

__all__ = ["host_has_ipvs", "missing"]
