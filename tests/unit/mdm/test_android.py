"""The policy says what the directive demands, differently for devices of the practice and private ones."""

from __future__ import annotations

import json
from datetime import date

import pytest

from praxisschild.errors import InputError
from praxisschild.mdm import android
from praxisschild.mdm.rows import select
from tests.unit.mdm.conftest import practice_with

TODAY = date(2026, 11, 28)


@pytest.fixture
def policy(catalogue, tmp_path):
    def of(owner, **mobile):
        chosen = select(practice_with(**mobile), catalogue, "android", owner, TODAY)
        return android.policy(chosen, "Praxis am Markt", tmp_path / "praxis.yml")

    return of


def test_devices_of_the_practice_erase_themselves_as_a_whole(policy):
    (code,) = policy("company")["passwordPolicies"]
    assert code["passwordScope"] == "SCOPE_DEVICE"
    assert 0 < code["maximumFailedPasswordsForWipe"] <= 10
    assert code["passwordMinimumLength"] >= 6


def test_on_private_devices_only_the_work_profile_is_erased(policy):
    codes = {one["passwordScope"]: one for one in policy("personal")["passwordPolicies"]}
    assert "maximumFailedPasswordsForWipe" not in codes["SCOPE_DEVICE"]
    assert 0 < codes["SCOPE_PROFILE"]["maximumFailedPasswordsForWipe"] <= 10
    assert "modifyAccountsDisabled" not in policy("personal"), "the practice has no say in private accounts"
    assert "crossProfilePolicies" not in policy("company")


def test_apps_are_a_list_with_their_permissions_and_everything_else_is_denied(policy):
    document = policy("company")
    apps = {one["packageName"]: one for one in document["applications"]}
    assert apps["de.gematik.ti.erp.app"]["permissionGrants"] == [
        {"permission": "android.permission.CAMERA", "policy": "GRANT"}
    ]
    assert apps["com.google.android.apps.googleassistant"]["installType"] == "BLOCKED"
    assert document["defaultPermissionPolicy"] == "DENY"
    assert document["playStoreMode"] == "WHITELIST"


def test_an_approved_app_that_is_blocked_elsewhere_is_named(policy):
    with pytest.raises(InputError, match=r"apps.android.*googleassistant"):
        policy("company", apps={"android": [{"package": "com.google.android.apps.googleassistant"}]})


def test_the_requirements_stand_in_the_message_that_the_device_shows(policy):
    text = policy("company")["longSupportMessage"]["defaultMessage"]
    assert "2021-A1-22" in text
    assert len(text) <= 4096
    assert json.loads(json.dumps(policy("company"))) == policy("company")
