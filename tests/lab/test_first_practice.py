"""The README's five steps from the template to a first practice, followed literally against a host."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from praxisschild.results import Run, Status
from tests.lab.conftest import PROJECT, Lab, name_of, recap

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.xdist_group("batch")


@pytest.fixture(scope="module")
def lab():
    found = Lab(3)
    found.hosts("down")
    found.hosts("up", "server-1")
    yield found
    found.hosts("down")


@pytest.fixture(scope="module")
def practice(lab, tmp_path_factory):
    """Step one: the template copied and filled in for one host."""
    folder = tmp_path_factory.mktemp("inventories") / "praxis-am-markt"
    shutil.copytree(PROJECT / "inventories/vorlage", folder)
    state = PROJECT / ".lab" / str(lab.instance)
    (folder / "hosts.yml").write_text(
        f"all:\n  hosts:\n    praxisserver:\n      ansible_host: server-1\n"
        f"      ansible_ssh_common_args: -F {state}/ssh_config\n"
    )
    # the makers' signatures are out of the lab's reach; a practice's own mirror may stand in for them
    (folder / "group_vars/all/signaturen.yml").write_text(
        "malware_protection_official_databases: false\n"
        'malware_protection_further_databases: ["http://127.0.0.1:8017/lab.cud"]\n'
    )
    facts = folder / "group_vars/all/praxis.yml"
    text = facts.read_text(encoding="utf-8")
    for old, new in (
        ("192.168.10.0/24", f"10.77.{lab.instance}.0/24"),
        ("192.168.10.5/32", f"10.77.{lab.instance}.1/32"),
        ("name: anmeldung-1", "name: praxisinhaberin"),
        ("hosts: [anmeldung]", "hosts: [praxisserver]"),
    ):
        assert old in text
        text = text.replace(old, new)
    facts.write_text(text, encoding="utf-8")
    password = folder.parent / "vault-password"
    password.write_text("nur-zum-lernen\n")
    os.environ["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    secrets = folder / "group_vars/all/vault.yml"
    secrets.write_text(
        f"vault_become_password: {(state / 'become_password').read_text()}"
        f"vault_backup_password: {(state / 'backup_password').read_text()}"
    )
    lab.run("ansible-vault", "encrypt", str(secrets))
    yield folder
    del os.environ["ANSIBLE_VAULT_PASSWORD_FILE"]


def steps(lab, practice, *command: str) -> subprocess.CompletedProcess[str]:
    return lab.run(*command, code=None)


def test_the_five_steps_work(lab, practice, tmp_path):
    checked = steps(lab, practice, "praxisschild", "check", str(practice))
    assert checked.returncode == 0, checked.stderr
    playbook = ["ansible-playbook", "-i", str(practice), "playbooks/site.yml"]
    planned = steps(lab, practice, *playbook, "--check", "--diff")
    assert planned.returncode == 0, planned.stdout[-4000:]
    assert "+PermitRootLogin no" in planned.stdout
    assert recap(planned.stdout)["praxisserver"]["changed"] > 0
    applied = steps(lab, practice, *playbook)
    assert applied.returncode == 0, applied.stdout[-4000:]
    verified = steps(lab, practice, "make", "verify", f"PRACTICE={practice}")
    bundle = Path(re.search(r"Bericht: (\S+)", verified.stdout)[1]).parent
    run = Run.model_validate(json.loads((bundle / "results.json").read_text(encoding="utf-8")))
    shutil.rmtree(bundle.parent)
    assert [host.reached for host in run.hosts] == [True]
    # what only the practice can settle: who became root for the installation, and a medium to plug in
    red = {name_of(check) for check in run.checks if check.status is Status.FAILED}
    assert red == {
        "test_sudo_asks_every_administrator_for_a_password",
        "test_a_copy_lies_on_a_medium_that_is_not_connected",
    }
    assert any(check.status is Status.PASSED for check in run.checks)


def test_what_was_applied_can_be_put_back(lab, practice):
    rolled_back = steps(lab, practice, "ansible-playbook", "-i", str(practice), "playbooks/rollback.yml")
    assert rolled_back.returncode == 0, rolled_back.stdout[-4000:]
    assert lab.shell("server-1", "ls /etc/ssh/sshd_config.d; nft list tables").strip() == ""
