"""What a management's word "compliant" proves: only what the practice says its compliance policy demands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.mdm.exports import settled
from praxisschild.mdm.exports.model import Answer
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from praxisschild.mdm.declared import MobileDevices

# what a compliance policy can demand and a list does not tell by itself
COVERABLE = (Topic.LOCKED, *settled.BY_POLICY)
_NOT_COVERED = (
    "Intune nennt es nicht einzeln; verlangt es die Konformitätsrichtlinie, dann in "
    "praxis.mobile_devices.compliance_covers eintragen"
)
_WORDS = {
    "compliant": (True, "richtlinienkonform"),
    "noncompliant": (False, "nicht richtlinienkonform"),
    "ingraceperiod": (False, "nicht richtlinienkonform, in der Nachfrist"),
    "conflict": (False, "Richtlinien widersprechen sich"),
    "error": (None, "Fehler bei der Auswertung"),
    "configmanager": (None, "von Configuration Manager verwaltet"),
    "unknown": (None, "nicht ausgewertet"),
    "": (None, "nicht ausgewertet"),
}


def answers(word: str, declared: MobileDevices) -> dict[Topic, Answer]:
    """The answers that rest on a compliance state of Intune (`complianceState`, column "Compliance").

    A device that is not compliant may break any of its rules; which one, the list does not say.
    """
    value, text = _WORDS.get(word.lower(), (None, f"Zustand „{word[:40]}“"))
    said = f"laut Intune {text}"
    found = dict.fromkeys(COVERABLE, Answer(None, _NOT_COVERED))
    found[Topic.COMPLIANT] = Answer(value, said)
    for topic in declared.compliance_covers:
        if value:
            found[topic] = Answer(True, f"{said}; die Richtlinie verlangt es nach Angabe der Praxis")
        else:
            found[topic] = Answer(None, f"{said}; welche Vorgabe verletzt ist, steht nicht in der Geräteliste")
    return found
