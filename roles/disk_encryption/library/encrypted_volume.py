#!/usr/bin/python
"""An empty disk becomes an encrypted volume, once; what holds anything is never touched."""

from __future__ import annotations

DOCUMENTATION = r"""
module: encrypted_volume
short_description: Make an empty disk a LUKS2 volume with a file system, a second key and a copy of its header
description:
  - A disk that already is this volume is left as it is; only a missing key file or copy of the header is made up for.
  - Any other content, a partition, a user of the disk or a start that is not all zeros is an error, before anything
    is written.
options:
  device:
    description: The disk or partition, below C(/dev/disk/by-id).
    type: path
    required: true
  name:
    description: Name of the volume, also its label.
    type: str
    required: true
  unlock:
    description: What opens it when the host starts.
    type: str
    choices: [tpm2, keyfile, passphrase]
    required: true
  passphrase:
    description: What opens it in any case.
    type: str
    required: true
  folder:
    description: Where the key file and the copy of the header go.
    type: path
    default: /etc/praxisschild/luks
attributes:
  check_mode: {support: full, description: Reports what it would do.}
  diff_mode: {support: none, description: There is nothing to compare.}
author: Praxisschild
"""

EXAMPLES = r"""
- name: Encrypt the disk for the practice's data
  encrypted_volume:
    device: /dev/disk/by-id/virtio-praxisdaten
    name: praxisdaten
    unlock: keyfile
    passphrase: "{{ vault_disk_passphrase }}"
"""

RETURN = r"""
done:
  description: What was, or would be, done.
  returned: always
  type: list
  elements: str
"""

import json
import os
import stat
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

LEAST_PASSPHRASE = 20
LOOKED_AT = 4 << 20  # bytes at the start of an empty disk that have to be zero
# BSI TR-02102-1: XTS-AES with two keys of 256 bits; Argon2id for what people type
CIPHER = ["--cipher=aes-xts-plain64", "--key-size=512", "--hash=sha256"]
KDF = ["--pbkdf=argon2id"]
# the key file is random already: nothing has to slow a guess down
KDF_OF_KEY_FILE = ["--pbkdf=argon2id", "--pbkdf-force-iterations=4", "--pbkdf-memory=32768", "--pbkdf-parallel=1"]
WAY_OUT = "Nothing was changed. Name another device, or erase this one: praxisschild-medium loeschen --festplatte"


class Volume:
    """The disk and what it is to become."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.device = str(module.params["device"])
        self.name = str(module.params["name"])
        self.passphrase = str(module.params["passphrase"])
        self.folder = Path(module.params["folder"])
        self.key = self.folder / f"{self.name}.key"
        self.header = self.folder / f"{self.name}.header"
        self.done: list[str] = []

    def command(self, *words: str, data: str | None = None, may_fail: bool = False) -> tuple[int, str]:
        code, out, err = self.module.run_command(list(words), data=data, binary_data=data is not None)
        if code and not may_fail:
            self.module.fail_json(msg=f"{words[0]} {words[1]}: {(err or out).strip()[-300:]}", done=self.done)
        return code, out

    def is_ours(self) -> bool:
        """Whether the disk is this volume.

        Fails if it is anything else but empty.
        """
        try:
            if not stat.S_ISBLK(os.stat(self.device).st_mode):
                self.module.fail_json(msg=f"disk_encryption_device: {self.device} is no disk")
        except OSError:
            self.module.fail_json(
                msg=f"disk_encryption_device: {self.device} does not exist on this host; ls /dev/disk/by-id"
            )
        _, listed = self.command(
            "lsblk", "--json", "--output", "NAME,TYPE,FSTYPE,LABEL,MOUNTPOINTS,PTTYPE", self.device
        )
        found = json.loads(listed)["blockdevices"][0]
        if found["fstype"] == "crypto_LUKS" and found["label"] == self.name:
            return True
        content = [word for word in (found["fstype"], found["pttype"]) if word]
        content += [f"{child['type']} {child['name']}" for child in found.get("children", [])]
        content += [f"mounted at {place}" for place in found.get("mountpoints") or [] if place]
        if not content:
            with open(self.device, "rb") as disk:
                if disk.read(LOOKED_AT).strip(b"\0"):
                    content = ["unknown data"]
        if content:
            self.module.fail_json(
                msg=f"disk_encryption_device: {self.device} is not empty ({', '.join(content)}). {WAY_OUT}"
            )
        return False

    def check_means(self) -> None:
        """Fail before anything is written if the volume could not be opened later."""
        if len(self.passphrase) < LEAST_PASSPHRASE:
            self.module.fail_json(
                msg=f"disk_encryption_passphrase: at least {LEAST_PASSPHRASE} characters; set it in the vault"
            )
        if self.module.params["unlock"] == "tpm2" and not any(Path("/sys/class/tpmrm").glob("*")):
            self.module.fail_json(msg="disk_encryption_unlock: this host has no TPM 2.0; choose passphrase or keyfile")

    def format(self) -> None:
        """The container, the volume's second key, and a file system in it."""
        parameters = ["--batch-mode", "--type=luks2", f"--label={self.name}", *CIPHER, *KDF, "--key-file=-"]
        self.command("cryptsetup", "luksFormat", *parameters, self.device, data=self.passphrase)
        self.command("udevadm", "settle")
        if self.module.params["unlock"] == "tpm2":
            self.module.run_command_environ_update["PASSWORD"] = self.passphrase
            self.command("systemd-cryptenroll", "--tpm2-device=auto", self.device)
            del self.module.run_command_environ_update["PASSWORD"]
        setup = f"{self.name}-setup"
        self.command("cryptsetup", "open", "--key-file=-", self.device, setup, data=self.passphrase)
        self.command("mkfs.ext4", "-q", "-L", self.name, f"/dev/mapper/{setup}")
        self.command("cryptsetup", "close", setup)

    def add_key_file(self) -> None:
        """A key that opens the volume without anybody typing."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.key.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
        os.write(descriptor, os.urandom(64))
        os.close(descriptor)
        self.command(
            "cryptsetup", "luksAddKey", *KDF_OF_KEY_FILE, "--key-file=-", self.device, str(fresh), data=self.passphrase
        )
        fresh.replace(self.key)

    def back_header_up(self) -> None:
        """A copy of the header, without which a damaged one makes all data unreadable."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.header.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        self.command("cryptsetup", "luksHeaderBackup", self.device, "--header-backup-file", str(fresh))
        fresh.chmod(0o400)
        fresh.replace(self.header)

    def settle(self) -> None:
        """Do what is missing."""
        steps = []
        if not self.is_ours():
            self.check_means()
            steps.append(("formatted", self.format))
        if self.module.params["unlock"] == "keyfile" and (steps or not self.key.exists()):
            steps.append(("key file added", self.add_key_file))
        if steps or not self.header.exists():
            steps.append(("header copied", self.back_header_up))
        for name, step in steps:
            if not self.module.check_mode:
                step()
            self.done.append(name)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "device": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "unlock": {"type": "str", "choices": ["tpm2", "keyfile", "passphrase"], "required": True},
            "passphrase": {"type": "str", "required": True, "no_log": True},
            "folder": {"type": "path", "default": "/etc/praxisschild/luks"},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
    volume = Volume(module)
    volume.settle()
    module.exit_json(changed=bool(volume.done), done=volume.done)


if __name__ == "__main__":
    main()
