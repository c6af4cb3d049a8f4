"""Somebody who left the practice and still gets in; the role account_policy locks the door."""

from __future__ import annotations

from tests.lab.mutations import Mutation

MUTATIONS = {
    "a colleague's login is opened again for a favour": Mutation(
        "arbeitsplatz-1",
        "usermod --unlock --expiredate '' --shell /bin/bash sprechzimmer-1",
        frozenset({"test_accounts_of_people_who_left_are_closed"}),
        "account_policy",
    ),
}
