#!/usr/bin/env python3
"""Record the lab's hosts as the collector sees them, for the unit tests that replay them.

Usage, with the hosts of an instance of the lab (LAB_INSTANCE, as everywhere):

    lab/lab.py fresh arbeitsplatz-1 arbeitsplatz-2 server-1
    tests/data/snapshots/record.py fresh
    ansible-playbook -i inventories/musterpraxis playbooks/site.yml
    tests/data/snapshots/record.py hardened

Addresses are written as those of instance 0, which a replay without LAB_INSTANCE expects. The collector reads no
secrets and no personal data, and the lab has neither; what looks like a key or a hash stops the recording.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path

from praxisschild import collector
from praxisschild.connection import RemoteHost
from praxisschild.inventory import PROJECT, Inventory

HERE = Path(__file__).resolve().parent
HOSTS = ("arbeitsplatz-1", "arbeitsplatz-2", "server-1")
SECRET = re.compile(r"PRIVATE KEY|\$(?:y|6|5|2b|gy)\$|AAAA[BCE]3Nza")


def main() -> None:
    """Write one file per host."""
    parser = argparse.ArgumentParser(description="Record the lab's hosts for the unit tests.")
    parser.add_argument("state", choices=["fresh", "hardened"])
    parser.add_argument("hosts", nargs="*", default=HOSTS, metavar="HOST")
    arguments = parser.parse_args()
    inventory = Inventory(PROJECT / "inventories/musterpraxis")
    for name in arguments.hosts:
        remote = RemoteHost(inventory.connection(name))
        try:
            found = remote.python_as_root(collector.linux_script())
        finally:
            remote.close()
        text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        text = text.replace(f"10.77.{os.environ.get('LAB_INSTANCE', '0')}.", "10.77.0.")
        if secret := SECRET.search(text):
            raise SystemExit(f"{name}: {secret.group()!r} looks like a secret; nothing was written")
        (HERE / arguments.state / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
