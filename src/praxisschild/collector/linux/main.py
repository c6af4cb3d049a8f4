"""Read the effective state of a Linux host and print it as one JSON document.

Runs as root on the host, is sent there as text and therefore stands alone: standard library only, Python 3.9 or newer.
It changes nothing, reads no personal data and no secrets (a password is "set", "locked" or "empty"), and never fails:
what cannot be read is null, and `errors` says why.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from praxisschild.collector.linux.access import accounts, groups, login_defs, logind, pam, shell, sshd, sudo
from praxisschild.collector.linux.desktop import browsers, dconf, desktop
from praxisschild.collector.linux.logs import logs
from praxisschild.collector.linux.mail_stores import mail_stores
from praxisschild.collector.linux.media import disks, media, media_tools
from praxisschild.collector.linux.office import office
from praxisschild.collector.linux.protection import protection
from praxisschild.collector.linux.reading import errors, guarded
from praxisschild.collector.linux.remote_access import remote_access
from praxisschild.collector.linux.retention import crash_dumps, retention
from praxisschild.collector.linux.software import apt, other_software, packages, tls, updates
from praxisschild.collector.linux.storage import backup, samba
from praxisschild.collector.linux.support import support
from praxisschild.collector.linux.system import (
    block_devices,
    firewall_services,
    host,
    listening,
    modules,
    mounts,
    network,
    nftables,
    sysctl,
    system_files,
    timers,
    units,
    world_writable,
)
from praxisschild.collector.linux.transport import transport
from praxisschild.collector.linux.wireless import wireless

SCHEMA_VERSION = 1


def main() -> None:
    """Read every section side by side and print the document."""
    started = time.monotonic()
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # the slow ones first, so that nothing waits for them at the end
    collectors = [
        updates, units, timers, shell, sshd, nftables, listening, dconf, sudo, packages, apt, samba, host, logind,
        network, block_devices, tls, pam, login_defs, desktop, browsers, accounts, groups, mounts, modules, sysctl,
        system_files, other_software, world_writable, firewall_services, support, office, protection, media,
        media_tools, disks, logs, wireless, remote_access, retention, crash_dumps, transport,
        mail_stores,
    ]  # fmt: skip
    with ThreadPoolExecutor(6) as pool:
        futures = {collect.__name__: pool.submit(guarded, collect.__name__, collect) for collect in collectors}
        snapshot = {name: future.result() for name, future in futures.items()}
    snapshot["backup"] = guarded("backup", backup, snapshot["timers"])
    document = {
        "schema_version": SCHEMA_VERSION,
        "platform": "linux",
        "collected_at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "duration": round(time.monotonic() - started, 3),
        **dict(sorted(snapshot.items())),
        "errors": errors,
    }
    json.dump(document, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
