#!/usr/bin/python
"""Logins, groups, homes and the PAM stack of a host, compared and corrected in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: account_state
short_description: Lock logins, keep administrative groups small, homes closed and PAM profiles in place
description:
  - Looks at C(/etc/passwd), C(/etc/shadow) and C(/etc/group) once and changes only what differs.
  - Never touches root, the operator, or the account that sudo was called from; asking to lock one of them is an error.
  - Accounts that do not exist on the host are passed over. No account is created or removed.
options:
  operator:
    description: Account that Ansible connects with.
    type: str
    default: ""
  locked:
    description: Logins to lock, expire and deprive of a shell. A login with an empty password is locked in any case.
    type: list
    elements: str
    default: []
  admins:
    description: The administrators. They and the operator become the only people in C(sudo); unset leaves groups alone.
    type: list
    elements: str
  restricted_groups:
    description: Further groups in which no other people may be.
    type: list
    elements: str
    default: []
  home_mode:
    description:
      - The most that a home directory may permit, in octal; unset leaves homes alone.
      - C(HOME_MODE) in C(/etc/login.defs) is narrowed too, so that C(useradd) makes new homes alike.
    type: str
  pam_profiles:
    description:
      - Profiles below C(/usr/share/pam-configs) that C(pam-auth-update) has put into the PAM stack.
      - If a module of theirs is missing there, for example because somebody took out its line, it is called again.
        Those that do not exist are passed over.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: Reports what it would do.}
  diff_mode: {support: full, description: One line per difference.}
author: Praxisschild
"""

EXAMPLES = r"""
- name: Lock a shared login and keep the administrators few
  account_state:
    operator: betreuung
    locked: [sprechzimmer-1]
    admins: [betreuung]
    restricted_groups: [adm, docker]
    home_mode: "0750"
"""

RETURN = r"""
items:
  description: What differed, each with kind (login, membership, home, pam), name, changed, state.
  returned: always
  type: list
  elements: dict
"""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

ADMIN_GROUP = "sudo"
EXPIRED = "1"  # the second day of 1970; 0 would mean different things to different tools
NOLOGIN = "/usr/sbin/nologin"
LOGIN_DEFS = "/etc/login.defs"
HOME_MODE = re.compile(r"^#?[ \t]*HOME_MODE[ \t]+[0-7]+[ \t]*$", re.MULTILINE)


def entries(path: str) -> list[list[str]]:
    """Fields of the lines of a colon-separated account file; NIS marks and broken lines are passed over."""
    rows = [line.split(":") for line in Path(path).read_text(encoding="utf-8", errors="surrogateescape").splitlines()]
    return [row for row in rows if len(row) > 3 and row[0] and row[0][0] not in "+-#"]


def login_default(name: str) -> str:
    """Value of a setting in login.defs; empty if it is not set."""
    text = Path(LOGIN_DEFS).read_text(encoding="utf-8", errors="replace")
    found = re.findall(rf"^[ \t]*{name}[ \t]+(\S+)", text, re.MULTILINE)
    return found[-1] if found else ""


def uid_range() -> range:
    """Numbers that the host gives to people."""
    first, last = login_default("UID_MIN"), login_default("UID_MAX")
    return range(int(first) if first.isdigit() else 1000, (int(last) if last.isdigit() else 60000) + 1)


@dataclass
class Difference:
    """One thing that is not as it should be, and the command that corrects it; without one it is the mode of homes."""

    kind: str
    name: str
    before: str
    after: str
    command: list[str] = field(default_factory=list)
    mode: int = 0


@dataclass
class Host:
    """The account files of this host as they were read."""

    people: dict[str, list[str]]
    shadow: dict[str, list[str]]
    passwd: dict[str, list[str]]
    groups: dict[str, list[str]]

    @classmethod
    def read(cls) -> Host:
        """Read every file once."""
        passwd = {row[0]: row for row in entries("/etc/passwd")}
        numbers = uid_range()
        return cls(
            people={name: row for name, row in passwd.items() if row[2].isdigit() and int(row[2]) in numbers},
            shadow={row[0]: row for row in entries("/etc/shadow")},
            passwd=passwd,
            groups={row[0]: [name for name in row[3].split(",") if name] for row in entries("/etc/group")},
        )

    def logins(self, locked: list[str], protected: set[str]) -> list[Difference]:
        """Declared logins that are still open, and others that let anybody in without a password."""
        found = []
        for name in sorted(self.passwd):
            secret, expires = (self.shadow.get(name, []) + [""] * 8)[1:8:6]
            shell = self.passwd[name][-1]
            if name in locked:
                is_open = secret[:1] not in {"!", "*"} or expires != EXPIRED or not shell.endswith(("nologin", "false"))
                command = ["usermod", "--lock", "--expiredate", EXPIRED, "--shell", NOLOGIN, name]
            else:
                is_open = name in self.shadow and not secret and name not in protected
                command = ["usermod", "--lock", name]
            if is_open:
                before = "open" if secret else "open, without a password"
                found.append(Difference("login", name, before, "locked", command))
        return found

    def memberships(self, admins: set[str], restricted: list[str]) -> list[Difference]:
        """People in administrative groups who are no administrators, and administrators who are missing there."""
        found = []
        for group in dict.fromkeys([ADMIN_GROUP, *restricted]):
            members = self.groups.get(group, [])
            found += [
                Difference("membership", f"{name} in {group}", "member", "no member", ["gpasswd", "-d", name, group])
                for name in sorted(set(members) & set(self.people) - admins)
            ]
        for name in sorted((admins & set(self.passwd)) - set(self.groups.get(ADMIN_GROUP, []))):
            command = ["usermod", "--append", "--groups", ADMIN_GROUP, name]
            found.append(Difference("membership", f"{name} in {ADMIN_GROUP}", "no member", "member", command))
        return found

    def homes(self, most: int) -> list[Difference]:
        """Homes of people that permit more than they may. A home that is not its owner's own is left alone."""
        found = []
        for row in self.people.values():
            try:
                status = os.lstat(row[5])
            except OSError:
                continue
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISDIR(status.st_mode) and status.st_uid == int(row[2]) and mode & 0o777 & ~most:
                wanted = mode & (most | 0o7000)
                found.append(Difference("home", row[5], f"{mode:04o}", f"{wanted:04o}", mode=wanted))
        given = login_default("HOME_MODE")
        if not re.fullmatch("[0-7]+", given) or int(given, 8) & ~most:
            found.append(Difference("home", LOGIN_DEFS, given or "not set", f"{most:04o}", mode=most))
        return found


def missing_modules(profiles: list[str]) -> list[Difference]:
    """Profiles of which a module is not in the stack that pam-auth-update writes."""
    present = [name for name in profiles if Path("/usr/share/pam-configs", name).exists()]
    command = ["pam-auth-update", "--package", "--enable", *present]
    found = []
    for name in present:
        stack = ""
        for line in Path("/usr/share/pam-configs", name).read_text(encoding="utf-8").splitlines():
            heading = re.match(r"(Auth|Account|Password|Session)(-Initial)?:\s*$", line)
            if heading:
                stack = "" if heading.group(2) else f"/etc/pam.d/common-{heading.group(1).lower()}"
            # a module is told from others of its name by its first argument: preauth, authfail, authsucc
            module = re.search(r"(pam_\w+\.so)[ \t]+(\S+)", line) if stack and line[:1].isspace() else None
            if module and not is_in_stack(stack, *module.groups()):
                found.append(Difference("pam", f"{name} in {stack}", "missing", "enabled", command))
    return found


def is_in_stack(stack: str, module: str, argument: str) -> bool:
    """Whether a line of the stack that is not a comment calls the module with this argument."""
    lines = [line.split() for line in Path(stack).read_text(encoding="utf-8", errors="replace").splitlines()]
    return any(module in words and argument in words for words in lines if words and not words[0].startswith("#"))


def apply(module: AnsibleModule, difference: Difference) -> None:
    """Correct one difference; a home by descriptor, so that nobody can put a link in its place."""
    if difference.command:
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        module.run_command(difference.command, check_rc=True, environ_update=environment)
        return
    if difference.name == LOGIN_DEFS:
        narrow_new_homes(module, f"HOME_MODE\t{difference.after}")
        return
    descriptor = os.open(difference.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(descriptor, difference.mode)
    finally:
        os.close(descriptor)


def narrow_new_homes(module: AnsibleModule, line: str) -> None:
    """Put the line where the file has HOME_MODE, set or as a comment, or at its end; owner and mode stay."""
    text = Path(LOGIN_DEFS).read_text(encoding="utf-8", errors="surrogateescape")
    text, count = HOME_MODE.subn(line, text)
    if not count:
        text = f"{text.rstrip()}\n{line}\n"
    temporary = Path(f"{LOGIN_DEFS}.praxisschild-new")
    temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
    module.atomic_move(str(temporary), LOGIN_DEFS)


def main() -> None:
    """Compare, report, and unless in check mode correct."""
    module = AnsibleModule(
        argument_spec={
            "operator": {"type": "str", "default": ""},
            "locked": {"type": "list", "elements": "str", "default": []},
            "admins": {"type": "list", "elements": "str"},
            "restricted_groups": {"type": "list", "elements": "str", "default": []},
            "home_mode": {"type": "str"},
            "pam_profiles": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    own = {wanted["operator"], os.environ.get("SUDO_USER", "")} - {""}
    protected = own | {"root"}
    refused = sorted(set(wanted["locked"]) & (protected | set(wanted["admins"] or [])))
    if refused:
        module.fail_json(
            msg=f"{', '.join(refused)}: refused to lock the account that Ansible works with, or an administrator."
            " Take the name out of the locked accounts, or let another administrator run this."
        )
    host = Host.read()
    differences = missing_modules(wanted["pam_profiles"]) + host.logins(wanted["locked"], protected)
    if wanted["admins"] is not None:
        admins = (own | set(wanted["admins"])) - {"root"}
        differences += host.memberships(admins, wanted["restricted_groups"])
    if wanted["home_mode"] is not None:
        differences += host.homes(int(wanted["home_mode"], 8))
    if not module.check_mode:
        for difference in differences:
            apply(module, difference)
        stubborn = [one.name for one in missing_modules(wanted["pam_profiles"])]
        if stubborn:
            module.fail_json(
                msg=f"{', '.join(stubborn)}: pam-auth-update leaves a stack alone that was edited by hand."
                " Move the additions out of its managed block, or run pam-auth-update --force on the host."
            )
    module.exit_json(
        changed=bool(differences),
        items=[{"kind": one.kind, "name": one.name, "changed": True, "state": one.after} for one in differences],
        diff={
            "before": "".join(f"{one.kind} {one.name}: {one.before}\n" for one in differences),
            "after": "".join(f"{one.kind} {one.name}: {one.after}\n" for one in differences),
        },
    )


if __name__ == "__main__":
    main()
