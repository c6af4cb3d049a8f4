#!/usr/bin/python
"""Certificates by which the hosts of a practice and its log host know each other."""

from __future__ import annotations

DOCUMENTATION = r"""
module: log_certificate
short_description: Make keys, requests and certificates of the practice's own small authority
description:
  - A private key is made on the host that uses it and never leaves it. The authority's key stays on the log host.
  - With O(request) unset, looks at this host's key and certificate. If the certificate is missing, of another
    authority, of another name or soon to expire, a host with O(authority=true) makes itself a new one, and any other
    returns a request for the log host.
  - With O(request) set, signs it on the log host.
  - Writes keys only; certificates are returned, for a batch to put them where they belong.
options:
  folder:
    description: Where keys and certificates are.
    type: path
    required: true
  name:
    description: Name of the host that the certificate is for.
    type: str
    required: true
  authority:
    description: Whether this host is the log host. It makes the authority if there is none.
    type: bool
    default: false
  request:
    description: A certificate request of O(name) to be signed on this host.
    type: str
  log_host:
    description: Inventory name of the log host, for messages.
    type: str
    default: ""
  expected_authority:
    description: Certificate of the authority as the log host has it, where it is known.
    type: str
    default: ""
  days:
    description: How long a certificate is valid.
    type: int
    default: 800
  renew_days:
    description: How long before its end it is renewed.
    type: int
    default: 90
attributes:
  check_mode: {support: full, description: "Makes nothing; returns no certificate where one would be made."}
author: Praxisschild
"""

EXAMPLES = r"""
- name: Look at this host's certificate
  log_certificate: {folder: /etc/rsyslog.d/praxisschild, name: anmeldung}
"""

RETURN = r"""
certificate: {description: The valid certificate in PEM, type: str, returned: if there is one}
authority: {description: The authority's certificate in PEM, type: str, returned: if there is one}
request: {description: The request to be signed in PEM, type: str, returned: if one is needed}
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

AUTHORITY_YEARS = 20
CURVE = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
HOST = (
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")


class Certificates:
    """The folder's keys and certificates, through the openssl command."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.folder = Path(module.params["folder"])
        self.name: str = module.params["name"]
        self.key, self.certificate = self.folder / "host.key", self.folder / "host.pem"
        self.authority_key, self.authority = self.folder / "authority.key", self.folder / "authority.pem"
        if not NAME.fullmatch(self.name):
            module.fail_json(msg=f"{self.name!r} cannot be a name in a certificate: letters, digits, dots and hyphens")

    def openssl(self, *arguments: str, text: str = "", may_fail: bool = False) -> str:
        """Output of the command; empty if it may fail and does."""
        code, out, err = self.module.run_command(["openssl", *arguments], data=text or None, handle_exceptions=False)
        if code and not may_fail:
            self.module.fail_json(msg=f"openssl {arguments[0]}: {err.strip()[-300:]}")
        return "" if code else str(out)

    def make_key(self, path: Path) -> None:
        """A new private key for root alone, whole or not at all."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        content = self.openssl("genpkey", *CURVE)
        with tempfile.NamedTemporaryFile("w", dir=str(self.folder), delete=False) as file:  # mode 0600
            file.write(content)
        os.replace(file.name, path)

    def close_keys(self) -> bool:
        """Take from everybody but root what lets him read a key; whether there was anything to take."""
        exposed = [path for path in (self.key, self.authority_key) if path.exists() and path.stat().st_mode & 0o077]
        for path in [] if self.module.check_mode else exposed:
            path.chmod(0o600)
        return bool(exposed)

    def authority_of_this_host(self) -> str:
        """The certificate of the authority whose key lies here, made if there is none."""
        if not self.authority_key.exists():
            self.make_key(self.authority_key)
            self.authority.unlink(missing_ok=True)
        if not self.authority.exists():
            subject = f"/O=Praxisschild/CN=Protokollierung der Praxis ({self.name})"
            made = self.openssl(
                *("req", "-new", "-x509", "-key", str(self.authority_key), "-subj", subject),
                *("-days", str(AUTHORITY_YEARS * 365), "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            )
            self.authority.write_text(made, encoding="ascii")
        return self.authority.read_text(encoding="ascii")

    def is_valid(self, authority: str) -> bool:
        """Whether the certificate fits key, name and authority, and stays so for a while."""
        if not (self.key.exists() and self.certificate.exists() and authority):
            return False
        path = str(self.certificate)
        seconds = str(self.module.params["renew_days"] * 86400)
        # a process each: openssl's start is what this call takes longest for
        lasting = self.openssl("x509", "-in", path, "-noout", "-pubkey", "-checkend", seconds, may_fail=True)
        own = self.openssl("pkey", "-in", str(self.key), "-pubout", may_fail=True)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(authority)
            file.flush()
            to_check = ("-CAfile", file.name, "-verify_hostname", self.name, path)
            trusted = self.openssl("verify", *to_check, may_fail=True)
        return bool(own and trusted and lasting.startswith(own))

    def request(self) -> str:
        """A request for a certificate, signed with the host's own key."""
        if not self.key.exists():
            self.make_key(self.key)
        return self.openssl("req", "-new", "-key", str(self.key), "-subj", f"/CN={self.name}")

    def sign(self, request: str) -> str:
        """The certificate for this name, whatever name the request bears.

        The caller says for whom it asks: Ansible has reached that host by its own key, and a request says nothing more.
        """
        with tempfile.NamedTemporaryFile("w") as wanted, tempfile.NamedTemporaryFile("w") as extensions:
            wanted.write(request)
            extensions.write(f"{HOST}subjectAltName=DNS:{self.name}\n")
            wanted.flush()
            extensions.flush()
            return self.openssl(
                *("x509", "-req", "-in", wanted.name, "-CA", str(self.authority), "-CAkey", str(self.authority_key)),
                *("-days", str(self.module.params["days"]), "-extfile", extensions.name),
                *("-set_serial", str(int.from_bytes(os.urandom(8), "big") >> 1)),
            )


def look(here: Certificates) -> dict[str, Any]:
    """The host's certificate, or the request for a new one."""
    module = here.module
    is_authority = module.params["authority"]
    known = module.params["expected_authority"] or (
        here.authority.read_text(encoding="ascii") if here.authority.exists() else ""
    )
    if here.is_valid(known) and (not is_authority or here.authority_key.exists()):
        return {
            "changed": here.close_keys(),
            "certificate": here.certificate.read_text(encoding="ascii"),
            "authority": known,
        }
    if module.check_mode:
        return {"changed": True}
    if is_authority:
        authority = here.authority_of_this_host()
        return {"changed": True, "certificate": here.sign(here.request()), "authority": authority}
    return {"changed": True, "request": here.request()}


def sign(here: Certificates) -> dict[str, Any]:
    """What the log host answers to a request."""
    log_host = here.module.params["log_host"]
    if not (here.authority_key.exists() and here.authority.exists()):
        here.module.fail_json(
            msg=f"the log host {log_host} has no authority yet that could sign the certificate of {here.name}: "
            f"apply the role there first (--limit {log_host} --tags central_logging), then here again"
        )
    return {
        "changed": True,
        "certificate": here.sign(here.module.params["request"]),
        "authority": here.authority.read_text(encoding="ascii"),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "authority": {"type": "bool", "default": False},
            "request": {"type": "str"},
            "log_host": {"type": "str", "default": ""},
            "expected_authority": {"type": "str", "default": ""},
            "days": {"type": "int", "default": 800},
            "renew_days": {"type": "int", "default": 90},
        },
        supports_check_mode=True,
    )
    here = Certificates(module)
    module.exit_json(**(sign(here) if module.params["request"] else look(here)))


if __name__ == "__main__":
    main()
