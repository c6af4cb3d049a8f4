#!/usr/bin/env python3
"""Record the lab's hosts as the collector sees them, for the unit tests that replay them.

Usage, with the hosts of an instance of the lab (LAB_INSTANCE, as everywhere):

    lab/lab.py fresh arbeitsplatz-1 arbeitsplatz-2 server-1
    tests/data/snapshots/record.py fresh
    ansible-playbook -i inventories/musterpraxis playbooks/site.yml
    tests/data/snapshots/record.py hardened
    lab/lab.py fresh pc-1 pc-2 winserver-1
    ansible-playbook -i inventories/windowspraxis playbooks/site.yml
    tests/data/snapshots/record.py windows

Addresses are written as those of instance 0, which a replay without LAB_INSTANCE expects. The collector reads no
secrets and no personal data, and the lab has neither; what looks like a key or a hash stops the recording.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path

from praxisschild.connection import RemoteHost
from praxisschild.inventory import PROJECT, Inventory
from praxisschild.windows_connection import WindowsHost

HERE = Path(__file__).resolve().parent
LINUX = ("musterpraxis", ("arbeitsplatz-1", "arbeitsplatz-2", "server-1"))
STATES = {"fresh": LINUX, "hardened": LINUX, "windows": ("windowspraxis", ("pc-1", "pc-2", "winserver-1"))}
SECRET = re.compile(r"PRIVATE KEY|\$(?:y|6|5|2b|gy)\$|AAAA[BCE]3Nza")


def main() -> None:
    """Write one file per host."""
    parser = argparse.ArgumentParser(description="Record the lab's hosts for the unit tests.")
    parser.add_argument("state", choices=STATES)
    parser.add_argument("hosts", nargs="*", metavar="HOST")
    arguments = parser.parse_args()
    practice, hosts = STATES[arguments.state]
    inventory = Inventory(PROJECT / "inventories" / practice)
    for name in arguments.hosts or hosts:
        remote = (
            WindowsHost(inventory.windows_connection(name))
            if inventory.platform(name) == "windows"
            else RemoteHost(inventory.connection(name))
        )
        try:
            found = remote.snapshot_document()
        finally:
            remote.close()
        text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        text = re.sub(rf"\b(10|127)\.77\.{os.environ.get('LAB_INSTANCE', '0')}\.", r"\1.77.0.", text)
        if secret := SECRET.search(text):
            raise SystemExit(f"{name}: {secret.group()!r} looks like a secret; nothing was written")
        (HERE / arguments.state).mkdir(exist_ok=True)
        (HERE / arguments.state / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
