"""What the office suite and the mail program are told to do."""

from __future__ import annotations

import re
import shutil
import stat
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from praxisschild.collector.linux.reading import errors, policy_file, read

OOR = "{http://openoffice.org/2001/registry}"

# The first file that exists counts, alone, as with Firefox.
THUNDERBIRD_POLICIES = (
    "/etc/thunderbird/policies/policies.json",
    "/usr/lib/thunderbird/distribution/policies.json",
    "/usr/share/thunderbird/distribution/policies.json",
    "/opt/thunderbird/distribution/policies.json",
)


def office() -> dict[str, Any]:
    """LibreOffice's and Thunderbird's policies; null for a program that is not installed."""
    return {"libreoffice": libreoffice(), "thunderbird": thunderbird()}


def libreoffice() -> Any:
    """Options that an administrator's files in LibreOffice's registry set, each with whether it is final.

    LibreOffice's own main.xcd is left out: it holds the defaults, which bind nobody.
    """
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if not program:
        return None
    home = Path(program).resolve().parent
    layers = re.search(r"^CONFIGURATION_LAYERS=xcsxcu:(\S+)", read(home / "fundamentalrc"), re.MULTILINE)
    if not layers:
        errors.append({"section": "office", "message": f"{home}/fundamentalrc names no registry"})
        return None
    folder = layers.group(1).replace("${BRAND_BASE_DIR}", str(home.parent))
    folder = folder.removeprefix("file://")
    options = []
    for path in sorted(Path(folder).glob("*.xcd")):
        text = read(path)
        # a folder or file that its users cannot read is one that LibreOffice does not obey
        if path.name == "main.xcd" or "finalized" not in text or not path.stat().st_mode & stat.S_IROTH:
            continue
        try:
            root = ElementTree.fromstring(text)  # noqa: S314 - a file of the administrator's
            options += [{"file": path.name, **option} for option in final_options(root)]
        except ElementTree.ParseError as error:
            errors.append({"section": str(path), "message": f"no valid XML: {error}"})
    decided = {option["path"] for option in options if option["final"]}
    return {
        "program": program,
        "folder": folder,
        # what nobody has made final binds nobody: thousands of entries that would only fill the evidence
        "options": [option for option in options if option["path"] in decided],
    }


def final_options(root: ElementTree.Element) -> list[dict[str, Any]]:
    """Every option of a registry file, by its path below org.openoffice.Office."""
    found: list[dict[str, Any]] = []

    def walk(node: ElementTree.Element, path: str) -> None:
        for child in node:
            name = f"{path}/{child.get(OOR + 'name')}"
            if child.tag == "node":
                walk(child, name)
            elif child.tag == "prop":
                value = child.find("value")
                items = [one.text or "" for one in value.findall("it")] if value is not None else []
                text = value.text.strip() if value is not None and value.text else ""
                final = "true" in {child.get(OOR + "finalized"), node.get(OOR + "finalized")}
                found.append({"path": name, "value": items or text, "final": final})

    for component in root.iter(OOR + "component-data"):
        walk(component, str(component.get(OOR + "name")))
    return found


def thunderbird() -> Any:
    """Policies of Thunderbird: of the places it looks in, the first file counts."""
    program = shutil.which("thunderbird")
    if not program:
        return None
    path = next((Path(name) for name in THUNDERBIRD_POLICIES if Path(name).exists()), None)
    found = policy_file(path) if path else None
    return {
        "program": program,
        "snap": "/snap/" in program or Path("/snap/thunderbird").is_dir(),
        "policies": found.get("policies", {}) if isinstance(found, dict) else {},
        "readable": bool(path and path.stat().st_mode & stat.S_IROTH),
    }
