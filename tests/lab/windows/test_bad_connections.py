"""Windows hosts that cannot be reached, each for another reason: each is told what is wrong, the others go on."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.windows import tls
from praxisschild.errors import HostUnreachable
from praxisschild.windows_connection import WindowsConnection, WindowsHost
from tests.lab.windows.conftest import PASSWORD, PROJECT, start

pytestmark = pytest.mark.xdist_group("windows")
PROGRAM = str(Path(sys.executable).parent / "praxisschild")
# host → its reason and the way out, in words that stand there
TOLD = {
    "aus": ("über WinRM nicht erreichbar", "Praxisschild-WinRM.ps1 -Pruefen"),
    "kennwort": ("Windows weist die Anmeldung ab", "vault_windows_password"),
    "fremd": ("Zertifikat des Hosts ist hier nicht bekannt", "windows-ca.pem"),
    "name": ("gilt für einen anderen Namen", "ansible_host"),
    "klartext": ("spricht kein HTTPS", "ansible_port: 5986"),
    "domaene": ("fehlt Kerberos", "pywinrm[kerberos]"),
    "sprache": ("eingeschränkten Sprachmodus", "Richtlinie"),
}
GOOD = "gut"


class Practice:
    """One good host, and the others."""

    def __init__(self, good: Any, constrained: Any, folder: Path) -> None:
        self.folder = folder / "praxis"
        tls.authority(folder / "andere")
        common = {
            "ansible_connection": "winrm",
            "ansible_winrm_transport": "ntlm",
            "ansible_winrm_server_cert_validation": "validate",
            "ansible_winrm_ca_trust_path": good.authority,
            "ansible_host": "127.0.0.1",
            "ansible_port": good.https,
            "ansible_user": "betreuung",
            "ansible_password": PASSWORD,
            "backup_schedule_password": "Nur-für-Tests-0815-4711",
        }
        self.hosts = {
            GOOD: {},
            "aus": {"ansible_port": 1},
            "kennwort": {"ansible_password": "falsch-4711"},
            "fremd": {"ansible_winrm_ca_trust_path": str(folder / "andere/windows-ca.pem")},
            "name": {"ansible_host": "localhost"},
            "klartext": {"ansible_port": good.http},
            "domaene": {
                "ansible_host": "localhost",
                "ansible_winrm_transport": "kerberos",
                "ansible_user": "a@PRAXIS.TEST",
            },
            "sprache": {"ansible_port": constrained.https, "ansible_winrm_ca_trust_path": constrained.authority},
        }
        practice = {
            "name": "Praxis mit Störungen",
            "size": "praxis",
            "networks": {"praxis": "127.0.0.0/24", "verwaltung": "127.0.0.1/32"},
            "accounts": [{"name": "betreuung", "kind": "admin", "purpose": "IT-Dienstleister"}],
            "features": {"windows": True},
        }
        variables = self.folder / "group_vars/all.yml"
        variables.parent.mkdir(parents=True)
        variables.write_text(yaml.safe_dump({"praxis": practice, **common}), encoding="utf-8")
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": self.hosts}}), encoding="utf-8")
        self.variables = {name: {**common, **own} for name, own in self.hosts.items()}

    def run(self, *words: str) -> tuple[int, Any, str]:
        """Exit code, the JSON, and what was said beside it."""
        environment = {**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "PRAXISSCHILD_LANG": "de"}
        command = [PROGRAM, words[0], str(self.folder), *words[1:], "--json"]
        done = subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    def host(self, name: str, **changes: Any) -> WindowsHost:
        variables = {**self.variables[name], **changes, "inventory_hostname": name}
        return WindowsHost(WindowsConnection(name, variables["ansible_connection"], variables))


@pytest.fixture(scope="module")
def practice(stand_in, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stoerungen")
    constrained, process = start(folder / "sprache" / "pc-1", "pc-1")
    constrained.set("computer.language_mode", "ConstrainedLanguage")
    yield Practice(stand_in, constrained, folder)
    process.terminate()
    process.wait(10)


def test_plan_tells_each_and_goes_on_with_the_others(practice):
    code, told, _ = practice.run("plan")
    hosts = {host["name"]: host for host in told["hosts"]}
    assert set(hosts) == set(practice.hosts)
    assert code == 3
    assert hosts[GOOD]["failure"] is None
    assert hosts[GOOD]["items"]
    for name, (reason, way_out) in TOLD.items():
        assert reason in hosts[name]["failure"]["reason"], name
        assert way_out in hosts[name]["failure"]["way_out"], name
        assert hosts[name]["status"] == ("failed" if name == "sprache" else "unreachable")
        assert not hosts[name]["items"]
        assert PASSWORD not in json.dumps(hosts[name])
        assert "falsch-4711" not in json.dumps(hosts[name])


def test_ansible_itself_names_the_way_out_where_the_words_are_ours(practice):
    environment = {**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"}
    command = ["ansible-playbook", "-i", str(practice.folder), "playbooks/site.yml", "--check", "--limit", "sprache"]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    said = " ".join(done.stdout.split())
    assert done.returncode == 2
    assert all(words in said for words in TOLD["sprache"])
    assert said.count(TOLD["sprache"][0]) <= 3, "once for all four kinds, however often Ansible repeats it"


def test_verify_counts_each_as_not_tested_and_goes_on_with_the_others(practice, tmp_path):
    code, _, _ = practice.run("verify", "--evidence", str(tmp_path), "--requirement", "2021-A1-13", "--no-probes")
    assert code == 1  # of the host that was reached: it has not been hardened
    (results,) = tmp_path.rglob("results.json")
    run = json.loads(results.read_text(encoding="utf-8"))
    checks = {check["host"]: check for check in run["checks"] if check["host"]}
    assert checks[GOOD]["status"] in {"passed", "failed"}
    for name, (reason, way_out) in TOLD.items():
        assert checks[name]["status"] == "not_tested", name
        assert reason in checks[name]["reason"], name
        assert way_out in checks[name]["reason"], name


@pytest.mark.parametrize(
    ("path", "broken", "reason"),
    [
        ("services.WinRM.state", "stopped", "legt vor der Anmeldung auf"),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.enabled", "false", "legt vor der Anmeldung auf"),
        ("users.betreuung.locked", "true", "Windows weist die Anmeldung ab"),
        ("users.betreuung.enabled", "false", "Windows weist die Anmeldung ab"),
        ("groups.Administratoren.members", "[]", "Windows weist die Anmeldung ab"),
    ],
)
def test_what_is_wrong_on_the_host_itself_is_told(practice, stand_in, path, broken, reason):
    before = stand_in.show(path)
    stand_in.set(path, broken)
    try:
        with pytest.raises(HostUnreachable, match=reason):
            practice.host(GOOD).snapshot_document()
    finally:
        stand_in.set(path, before if isinstance(before, str) else json.dumps(before))


def test_psrp_is_told_alike(practice):
    options = {"ansible_connection": "psrp", "ansible_psrp_auth": "ntlm"}
    with pytest.raises(HostUnreachable, match="Zertifikat des Hosts ist hier nicht bekannt"):
        practice.host(GOOD, **options).snapshot_document()
    trusting = {**options, "ansible_psrp_ca_cert": practice.variables[GOOD]["ansible_winrm_ca_trust_path"]}
    with pytest.raises(HostUnreachable, match="Windows weist die Anmeldung ab"):
        practice.host("kennwort", **trusting).snapshot_document()


def test_a_setting_that_tamper_protection_keeps_is_told_and_the_others_are_set(stand_in, ansible):
    """Defender lets nobody write below its own key, an administrator neither."""
    key = r"HKLM\SOFTWARE\Microsoft\Windows Defender\Features"
    rows = [
        {"key": key, "name": "TamperProtection", "type": "dword", "value": 0, "requirement": "2021-A1-09"},
        {"key": r"HKLM\SOFTWARE\Policies\X", "name": "neben", "type": "dword", "value": 1, "requirement": "2021-A1-09"},
    ]
    tasks = [{"name": "Declare", "windows_rows": {"registry": rows}}, {"name": "Settle", "windows_apply": {}}]
    play = {"hosts": "all", "gather_facts": False, "vars": {"praxisschild": {"dropped": {}}}, "tasks": tasks}
    result = ansible.play([play], {GOOD: {}})[GOOD]["Settle"]
    assert result["failed"]
    assert "tamper protection" in result["msg"] or "Manipulationsschutz" in result["msg"]
    assert stand_in.registry.get(r"HKLM\SOFTWARE\Policies\X", "neben") == ("dword", 1)
    stand_in.registry.remove(r"HKLM\SOFTWARE\Policies\X", "neben")


CONFIGURATION = """\
[libdefaults]
 default_realm = PRAXIS.TEST
 dns_lookup_kdc = false
 rdns = false
 kdc_timesync = {timesync}
[realms]
 PRAXIS.TEST = {{
  kdc = 127.0.0.1:{port}
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
 }}
"""
KDC = {
    name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    for name in ("krb5kdc", "kdb5_util", "kadmin.local")
}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(
    not all(KDC.values()) or not shutil.which("kinit") or not shutil.which("faketime"),
    reason="Debian's krb5-kdc, krb5-admin-server, krb5-user and faketime are not installed: their services are not "
    "for every machine that the lab runs on",
)
def test_a_clock_that_is_wrong_is_told_as_kerberos_says_it(practice, tmp_path, monkeypatch):
    """A real KDC a quarter of an hour ahead; a client that corrects itself (kdc_timesync) is let in all the same."""
    port, timesync = 28_888, 0
    configuration = tmp_path / "krb5.conf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, port=port, timesync=timesync))
    environment = {**os.environ, "KRB5_CONFIG": str(configuration), "KRB5_KDC_PROFILE": str(configuration)}

    def run(*words: str, said: str = "") -> None:
        subprocess.run(words, env=environment, input=said, text=True, capture_output=True, check=True)

    run(str(KDC["kdb5_util"]), "create", "-s", "-r", "PRAXIS.TEST", said="m\nm\n")
    run(str(KDC["kadmin.local"]), "-q", f"addprinc +requires_preauth -pw {PASSWORD} betreuung")
    words = ["faketime", "+15 minutes", str(KDC["krb5kdc"]), "-n"]
    clock = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        ends = time.monotonic() + 10
        while not _listens(port):
            assert time.monotonic() < ends
            time.sleep(0.05)
        import ansible.plugins.connection.winrm as plugin

        # kinit comes before the Python library, which is not installed here
        monkeypatch.setattr(plugin, "HAVE_KERBEROS", True)
        monkeypatch.setenv("KRB5_CONFIG", str(configuration))
        given = {"ansible_user": "betreuung@PRAXIS.TEST", "ansible_winrm_kinit_env_vars": ["KRB5_CONFIG"]}
        with pytest.raises(HostUnreachable, match="Uhren dieses Rechners und des Windows-Hosts") as told:
            practice.host("domaene", **given).snapshot_document()
        assert "w32tm /resync" in str(told.value)
    finally:
        os.killpg(clock.pid, 15)
        clock.wait(10)
