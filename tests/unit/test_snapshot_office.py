"""What a snapshot concludes about office and mail, and what the collector reads from LibreOffice's registry."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from praxisschild.collector.linux.office import final_options
from praxisschild.snapshot import Snapshot, Unreadable

OPTION = "Common/Security/Scripting/MacroSecurityLevel"
REGISTRY = """
<oor:data xmlns:oor="http://openoffice.org/2001/registry">
  <oor:component-data oor:package="org.openoffice.Office" oor:name="Common">
    <node oor:name="Security"><node oor:name="Scripting">
      <prop oor:name="MacroSecurityLevel" oor:finalized="true"><value>3</value></prop>
      <prop oor:name="SecureURL" oor:finalized="true"><value><it>file:///srv/a</it><it>file:///srv/b</it></value></prop>
      <prop oor:name="WarnCreatePDF"><value>true</value></prop>
    </node></node>
  </oor:component-data>
</oor:data>
"""


def snapshot(*options, mail=None, mounts=()):
    return Snapshot(
        {
            "errors": [],
            "office": {"libreoffice": {"options": [dict(option) for option in options]}, "thunderbird": mail},
            "mounts": [{"type": kind} for kind in mounts],
        }
    )


def option(value, path=OPTION, *, final=True):
    return {"file": "praxisschild.xcd", "path": path, "value": value, "final": final}


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ([], None),
        ([option("3")], "3"),
        ([option("3", final=False)], None),
        ([option("3"), option("0")], None),
        ([option("3"), option("3")], "3"),
        ([option("3"), option("3", final=False)], None),
    ],
)
def test_only_what_is_final_and_undisputed_counts(options, value):
    assert snapshot(*options).office_option(OPTION) == value


def test_disabled_commands_are_those_that_users_cannot_bring_back():
    folder = "Commands/Execute/Disabled"
    found = snapshot(option("OpenRemote", f"{folder}/1/Command"), option("Print", f"{folder}/2/Command", final=False))
    assert found.disabled_office_commands == {"OpenRemote"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"Value": True, "Status": "locked"}, True),
        ({"Value": True, "Status": "default"}, None),
        ({"Value": True}, None),
        (False, False),
    ],
)
def test_a_preference_counts_when_it_is_locked(written, value):
    policies = {"Preferences": {"mail.x": written}, "SSLVersionMin": "tls1.2"}
    found = snapshot(mail={"policies": policies, "readable": True})
    assert found.mail_preference("mail.x") is value
    assert found.mail_policy("SSLVersionMin") == "tls1.2"


def test_a_policy_file_that_users_cannot_read_binds_nobody():
    assert (
        snapshot(mail={"policies": {"SSLVersionMin": "tls1.2"}, "readable": False}).mail_policy("SSLVersionMin") is None
    )


def test_programs_that_are_not_there_are_not_asked():
    found = Snapshot({"errors": [], "office": {"libreoffice": None, "thunderbird": None}})
    assert not found.has_office
    assert not found.has_mail


def test_an_unread_section_is_no_statement():
    with pytest.raises(Unreadable):
        _ = Snapshot({"errors": [], "office": None}).has_office


def test_cloud_mounts_are_named_by_their_packages():
    assert snapshot(mounts=["ext4", "fuse.rclone", "davfs"]).cloud_mounts == {"rclone", "davfs2"}


def test_registry_is_read_with_lists_and_finality():
    root = ElementTree.fromstring(REGISTRY)  # noqa: S314 - written above
    found = {entry["path"].rpartition("/")[2]: entry for entry in final_options(root)}
    assert found["MacroSecurityLevel"] == {"path": OPTION, "value": "3", "final": True}
    assert found["SecureURL"]["value"] == ["file:///srv/a", "file:///srv/b"]
    assert not found["WarnCreatePDF"]["final"]
