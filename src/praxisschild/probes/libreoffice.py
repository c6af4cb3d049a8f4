"""Start the host's LibreOffice as a user who has set everything to "allow", give it a trap, and see what it does.

Argument: a JSON object of configuration paths, each with the names of the options to read. Prints ``{"installed":
false}`` or ``{"installed": true, "options": {"path/name": {"value", "locked"} | null}, "disabled_commands": [str],
"macro_ran": bool, "requests": [str], "author_in": {file: [part]}, "meta": {file: text}}``: null for an option that this
release does not know, ``author_in`` for the parts of each saved file that still name the author.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from praxisschild.probes.host import ProbeError, TemporaryUser, leave_the_network, probe, site

AUTHOR = "Praxisschild-Verfasserprobe"
SCRIPTING = "/org.openoffice.Office.Common/Security/Scripting"
# What a careless user chooses; all of it has to be without effect.
CARELESS = [
    (SCRIPTING, "MacroSecurityLevel", "0"),
    (SCRIPTING, "DisableMacrosExecution", "false"),
    (SCRIPTING, "DisableActiveContent", "false"),
    (SCRIPTING, "RemovePersonalInfoOnSaving", "false"),
    (SCRIPTING, "KeepDocUserInfoOnSaving", "true"),
    (SCRIPTING, "BlockUntrustedRefererLinks", "false"),
    (SCRIPTING, "SecureURL", "<it>file:///</it>"),
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "0"),
    ("/org.openoffice.Office.Common/Misc", "FirstRun", "false"),
    ("/org.openoffice.UserProfile/Data", "givenname", AUTHOR),
    ("/org.openoffice.UserProfile/Data", "sn", AUTHOR),
]
TRAP = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0"
 xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:ooo="http://openoffice.org/2004/office" xmlns:dom="http://www.w3.org/2001/xml-events"
 office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text">
<office:meta><meta:initial-creator>{author}</meta:initial-creator><dc:creator>{author}</dc:creator>
<meta:printed-by>{author}</meta:printed-by><meta:editing-duration>PT2H31M7S</meta:editing-duration>
<meta:editing-cycles>57</meta:editing-cycles></office:meta>
<office:scripts><office:script script:language="ooo:Basic"><ooo:libraries><ooo:library-embedded ooo:name="Standard">
<ooo:module ooo:name="Module1"><ooo:source-code>Sub Main
 n = FreeFile
 Open "{mark}" For Output As #n
 Close #n
End Sub</ooo:source-code></ooo:module></ooo:library-embedded></ooo:libraries></office:script>
<office:event-listeners><script:event-listener script:language="ooo:script" script:event-name="dom:load"
 xlink:href="{macro}" xlink:type="simple"/></office:event-listeners></office:scripts>
<office:body><office:text><text:p>Befund<office:annotation><dc:creator>{author}</dc:creator>
<dc:date>2026-01-01T10:00:00</dc:date><text:p>Notiz</text:p></office:annotation>
<draw:frame text:anchor-type="as-char" svg:width="2cm" svg:height="2cm">
<draw:image xlink:href="http://localhost/bild.png" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/>
</draw:frame></text:p><text:section text:name="Verweis">
<text:section-source xlink:href="http://localhost/abschnitt.odt" xlink:type="simple"/><text:p/></text:section>
</office:text></office:body></office:document>
"""
MACRO = "vnd.sun.star.script:Standard.Module1.Main?language=Basic&location=document"
PORT = 8898
FORMATS = {"brief.odt": "writer8", "brief.docx": "MS Word 2007 XML"}
# Runs beside LibreOffice, as the same user, with Debian's python3-uno. READONLY and USE_CONFIG are UNO's constants
# com.sun.star.beans.PropertyAttribute.READONLY (16) and com.sun.star.document.MacroExecMode.USE_CONFIG (3).
CLIENT = """
import json, sys, time, uno
from com.sun.star.beans import PropertyValue

def named(**values):
    return tuple(PropertyValue(Name=name, Value=value) for name, value in values.items())

home, macro, port, wanted, formats = sys.argv[1], sys.argv[2], sys.argv[3], *map(json.loads, sys.argv[4:6])
local = uno.getComponentContext()
resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
end = time.monotonic() + 70
while time.monotonic() < end:
    try:
        office = resolver.resolve("uno:socket,host=127.0.0.1,port=" + port + ";urp;StarOffice.ComponentContext")
        break
    except Exception:
        time.sleep(0.1)
else:
    sys.exit("LibreOffice does not start")
create = lambda service: office.ServiceManager.createInstanceWithContext(service, office)
provider = create("com.sun.star.configuration.ConfigurationProvider")
view = lambda kind, path: provider.createInstanceWithArguments(
    "com.sun.star.configuration.Configuration" + kind, named(nodepath=path))
options = {}
for path, names in wanted.items():
    access = view("UpdateAccess", path)
    for name in names:
        known = access.hasByName(name)
        value = access.getByName(name) if known else None
        options[path + "/" + name] = {
            "value": list(value) if isinstance(value, tuple) else value,
            "locked": bool(access.getPropertySetInfo().getPropertyByName(name).Attributes & 16),
        } if known else None
disabled = view("Access", "/org.openoffice.Office.Commands/Execute/Disabled")
commands = sorted(disabled.getByName(name).Command for name in disabled.getElementNames())
desktop = create("com.sun.star.frame.Desktop")
document = desktop.loadComponentFromURL(
    "file://" + home + "/falle.fodt", "_blank", 0, named(MacroExecutionMode=3, UpdateDocMode=3))
# as a link or a button in the document would
url = uno.createUnoStruct("com.sun.star.util.URL")
url.Complete = macro
url = create("com.sun.star.util.URLTransformer").parseStrict(url)[1]
frame = document.getCurrentController().getFrame()
dispatch = frame.queryDispatch(url, "", 0)
if dispatch:
    dispatch.dispatch(url, ())
time.sleep(0.5)
for name, kind in formats.items():
    document.storeToURL("file://" + home + "/" + name, named(FilterName=kind))
document.close(True)
print(json.dumps({"options": options, "disabled_commands": commands}))
try:
    desktop.terminate()
except Exception:
    pass
"""


def settings() -> str:
    """A user's own registrymodifications.xcu with every careless choice."""
    items = "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>\n'
        for path, name, value in CARELESS
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
{items}</oor:items>
"""


def start(user: TemporaryUser, wanted: str) -> dict[str, Any]:
    """What LibreOffice answers after it has opened the trap and saved it in each format."""
    profile = Path(user.home, "profil")
    arguments = ["--headless", "--norestore", "--nologo", f"-env:UserInstallation=file://{profile}"]
    # the temporary user's end takes along what the wrapper has started
    office = subprocess.Popen(
        ["soffice", *arguments, f"--accept=socket,host=127.0.0.1,port={PORT};urp;"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **user.credentials,
    )
    try:
        client = subprocess.run(
            ["/usr/bin/python3", "-c", CLIENT, user.home, MACRO, str(PORT), wanted, json.dumps(FORMATS)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=95,
            check=False,
            **user.credentials,
        )
    except subprocess.TimeoutExpired:
        raise ProbeError("LibreOffice does not answer") from None
    finally:
        office.kill()
        office.wait()
    if client.returncode:
        missing = "No module named 'uno'" in client.stderr
        raise ProbeError("python3-uno is not installed" if missing else client.stderr.strip()[-300:])
    answer: dict[str, Any] = json.loads(client.stdout)
    return answer


def traces(file: Path) -> tuple[list[str], str]:
    """Parts of a saved document that name the author, and what it says about itself; read as a plain archive."""
    with zipfile.ZipFile(file) as archive:
        parts = [name for name in archive.namelist() if AUTHOR.encode() in archive.read(name)]
        about = next(name for name in archive.namelist() if name in {"meta.xml", "docProps/core.xml"})
        return sorted(parts), archive.read(about).decode(errors="replace")


def experiment() -> dict[str, Any]:
    """The whole probe."""
    if not shutil.which("soffice"):
        return {"installed": False}
    leave_the_network()
    with TemporaryUser() as user, site() as seen:
        seen.name = "localhost"
        mark = Path(user.home, "makro")
        folder = Path(user.home, "profil", "user")
        folder.mkdir(parents=True)
        folder.joinpath("registrymodifications.xcu").write_text(settings(), encoding="utf-8")
        trap = TRAP.format(author=AUTHOR, mark=mark, macro=MACRO.replace("&", "&amp;"))
        Path(user.home, "falle.fodt").write_text(trap, encoding="utf-8")
        user.own(user.home)
        answer = start(user, sys.argv[1])
        found = {name: traces(Path(user.home, name)) for name in FORMATS}
        return {
            "installed": True,
            **answer,
            "macro_ran": mark.exists(),
            "requests": seen.plain_requests,
            "author_in": {name: parts for name, (parts, _) in found.items()},
            "meta": {name: about for name, (_, about) in found.items()},
        }


if __name__ == "__main__":
    probe(experiment, 110)
