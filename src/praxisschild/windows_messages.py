"""What Ansible's connections to Windows say when they fail, what it means, and the way out.

Their texts are those of pywinrm, pypsrp, requests, OpenSSL and MIT Kerberos, which are English on every controller, and
identifiers of PowerShell, which are the same in every language of Windows.
"""

from __future__ import annotations

import re

from praxisschild.i18n import N_, _, german

# the first one that fits counts: certificates before what is said of connections in general
MEANINGS = (
    (
        r"wsman.*certificate is not yet valid|Clock skew too great",
        N_("the clocks of this machine and of the Windows host or its domain are more than five minutes apart"),
        N_("set both by the same time server: `timedatectl` here, `w32tm /resync` on the host"),
    ),
    (
        r"wsman.*(?:(?:Hostname|IP address) mismatch|certificate is not valid for)",
        N_("the host's certificate is for another name or address"),
        N_("write into ansible_host what it says, or run `Praxisschild-WinRM.ps1 -ZertifikatErneuern` on the host"),
    ),
    (
        r"wsman.*certificate has expired",
        N_("the host's certificate has expired"),
        N_("run `Praxisschild-WinRM.ps1 -ZertifikatErneuern` there, and add the new .pem file to windows-ca.pem"),
    ),
    (
        r"wsman.*CERTIFICATE_VERIFY_FAILED",
        N_("the host's certificate is not known here: it is new, or somebody else answers"),
        N_("compare its fingerprint with the one that the host shows, then add the host's .pem file to windows-ca.pem"),
    ),
    (
        r"TLS CA certificate bundle, invalid path",
        N_("the file with the hosts' certificates is missing"),
        N_("collect the .pem files that Praxisschild-WinRM.ps1 wrote in ansible_winrm_ca_trust_path"),
    ),
    (
        r"wsman.*(?:WRONG_VERSION_NUMBER|HTTP_REQUEST)",
        N_("this port of the host speaks no HTTPS"),
        N_("set ansible_port: 5986; docs/windows-einrichten.md makes the listener"),
    ),
    (
        r"credentials were rejected by the server|Failed to authenticate the user|"
        r"Kerberos.*(?:Password incorrect|Preauthentication)",
        N_("Windows refuses the login: password, account, a lock after wrong attempts, or no administrator"),
        N_(
            "wait until a lock is over, then compare vault_windows_password; on the host: "
            "`Praxisschild-WinRM.ps1 -Pruefen`, and -NeuesKennwort for a new password"
        ),
    ),
    (
        r"wsmanfault_code\W+5\b|WSManFault.*Code\W+5\b",
        N_("the account may log in, and Windows takes the rights of an administrator from it"),
        N_("run Praxisschild-WinRM.ps1 on the host: it sets LocalAccountTokenFilterPolicy and the membership"),
    ),
    (
        r"not found in Kerberos database",
        N_("the domain knows the account or the host by another name"),
        N_("write ansible_user as name@DOMAIN in capitals, and ansible_host as the host's full DNS name"),
    ),
    (
        r"Cannot (?:contact|find|resolve) .*(?:KDC|realm)",
        N_("no domain controller can be found for Kerberos"),
        N_("name it in /etc/krb5.conf, or let this machine ask the domain's DNS"),
    ),
    (
        r"kerberos library is not installed|calling kinit cmd|No Kerberos credentials",
        N_("this machine has no Kerberos"),
        N_("`sudo apt-get install krb5-user libkrb5-dev gcc`, then `pip install pywinrm[kerberos]`"),
    ),
    (
        r"ConstrainedLanguage|CannotDefineNewType|ConversionSupportedOnlyToCoreTypes",
        N_("application control (WDAC or AppLocker) keeps PowerShell there in Constrained Language Mode"),
        N_("except the account of Praxisschild in its policy; until then nothing can be set or proven there"),
    ),
    (
        r"Windows Defender\\[^:]*: access denied",
        N_("Defender's tamper protection lets nobody change its settings from outside, and that is right"),
        N_("set them in Windows Security or in the management that turned the protection on (Intune, Defender portal)"),
    ),
    (
        r"quota.*shells|2150859173|2150859174",
        N_("Windows gives this account no more shells"),
        N_("write plain addresses in ansible_host; `Restart-Service WinRM` on the host frees them"),
    ),
    (
        r"NameResolutionError|Failed to resolve",
        N_("nobody knows the host's name"),
        N_("write its IP address into ansible_host, or correct the name"),
    ),
    (
        r"wsman.*UNEXPECTED_EOF|RemoteDisconnected|ConnectionResetError",
        N_("the host hangs up before the login: its firewall, its listener or its service WinRM"),
        N_("look there: `Praxisschild-WinRM.ps1 -Pruefen`; -Verwaltungsnetz has to name this machine's address"),
    ),
    (
        r"wsman.*(?:refused|timed out|No route to host|unreachable)|^the connection attempt timed out",
        N_("the host cannot be reached over WinRM"),
        N_(
            "is it switched on, is ansible_host its address, and does its firewall let this machine in? There: "
            "`Praxisschild-WinRM.ps1 -Pruefen`"
        ),
    ),
)
# of this alone Ansible says that a task failed, not that the host is unreachable
_LATE = "the connection attempt timed out"


def meaning(detail: str) -> tuple[str, str] | None:
    """What a failure on the way to a Windows host means and the way out; None for anything else."""
    for pattern, reason, way_out in MEANINGS:
        if re.search(pattern, detail, re.IGNORECASE | re.DOTALL):
            return _(reason), _(way_out)
    return None


def german_reason(detail: str) -> str:
    """The same as one text for a report, with the first line of the original where nothing is known of it."""
    with german():
        found = meaning(detail)
    if found is None:
        return next(iter(detail.strip().splitlines()), "")
    return "{}. Abhilfe: {}".format(*found)


def is_late(detail: str) -> bool:
    """Whether a task that failed did so because nobody answered."""
    return detail.strip() == _LATE
