"""Screens, cameras, clouds, remote desktops and old protocols."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft"
WINDOWS = rf"{POLICIES}\Windows"
CONSENT = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore"
EXPLORER = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\Explorer"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
PERSON = r"HKU\{machine}-1001\Software"
DESKTOP = rf"{PERSON}\Policies\Microsoft\Windows\Control Panel\Desktop"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def broken(host: str, red: str, *changes: tuple[str, ...], mended: bool = True) -> Mutation:
    return Mutation(host, changes, frozenset(red.split()), "endpoint_hardening", mended)


MUTATIONS = {
    "the screen stays open for an hour": broken(
        "pc-1", "test_windows_locks_itself_after_a_while", ("set", rf"{SYSTEM}\InactivityTimeoutSecs", "dword:3600")
    ),
    "the screen never locks": broken(
        "winserver-1", "test_windows_locks_itself_after_a_while", ("unset", rf"{SYSTEM}\InactivityTimeoutSecs")
    ),
    "one person's screen saver waits an hour": broken(
        "pc-1", "test_screen_saver_of_everybody_locks", ("set", rf"{DESKTOP}\ScreenSaveTimeOut", "string:3600")
    ),
    "one person's screen saver asks nobody": broken(
        "pc-2", "test_screen_saver_of_everybody_locks", ("set", rf"{DESKTOP}\ScreenSaverIsSecure", "string:0")
    ),
    "a screen saver without a program": broken(
        "winserver-1", "test_screen_saver_of_everybody_locks", ("unset", rf"{DESKTOP}\SCRNSAVE.EXE")
    ),
    "waking up asks nobody": broken(
        "pc-2",
        "test_windows_asks_for_the_password_when_it_wakes",
        ("set", rf"{POLICIES}\Power\PowerSettings\0e796bdb-100d-47d6-a2d5-f7d2daa51f51\DCSettingIndex", "dword:0"),
    ),
    "messages on the locked screen": broken(
        "pc-1", "test_a_locked_screen_tells_nothing", ("unset", rf"{WINDOWS}\System\DisableLockScreenAppNotifications")
    ),
    "a restart logs somebody in": broken(
        "pc-1", "test_no_restart_logs_anybody_in", ("set", rf"{SYSTEM}\DisableAutomaticRestartSignOn", "dword:0")
    ),
    "apps may ask for the microphone": broken(
        "pc-1",
        "test_no_app_gets_the_camera_or_microphone",
        ("set", rf"{WINDOWS}\AppPrivacy\LetAppsAccessMicrophone", "dword:0"),
    ),
    "the microphone's switch is on": broken(
        "pc-2", "test_no_program_gets_the_camera_or_microphone", ("set", rf"{CONSENT}\microphone\Value", "string:Allow")
    ),
    "the camera's switch is on": broken(
        "pc-1", "test_no_program_gets_the_camera_or_microphone", ("set", rf"{CONSENT}\webcam\Value", "string:Allow")
    ),
    "the camera is there again": broken(
        "pc-2", "test_camera_of_a_windows_host_is_off", ("unset", rf"{POLICIES}\Camera\AllowCamera")
    ),
    "a stick starts what is on it": broken(
        "pc-1", "test_a_medium_starts_nothing", ("set", rf"{EXPLORER}\NoDriveTypeAutoRun", "dword:145")
    ),
    "SmartScreen can be clicked away": broken(
        "pc-2",
        "test_windows_stops_programs_that_nobody_knows",
        ("set", rf"{WINDOWS}\System\ShellSmartScreenLevel", "string:Warn"),
    ),
    "telnet is back": broken(
        "pc-1", "test_no_feature_is_on_that_nobody_needs", ("set", "features.TelnetClient", "enabled")
    ),
    "the old PowerShell is back": broken(
        "winserver-1", "test_no_powershell_without_a_log", ("set", "features.MicrosoftWindowsPowerShellV2", "enabled")
    ),
    "the host announces itself": broken(
        "pc-2", "test_no_service_runs_that_nobody_needs", ("set", "services.SSDPSRV.start", "manual")
    ),
    "the registry is read from elsewhere": broken(
        "winserver-1", "test_nobody_reads_the_registry_from_elsewhere", ("set", "services.RemoteRegistry.start", "auto")
    ),
    "SMB 1 is back": broken("pc-1", "test_smb_1_is_gone", ("set", "features.SMB1Protocol", "enabled")),
    "files travel without a signature": broken(
        "winserver-1",
        "test_file_traffic_is_signed",
        ("set", rf"{SERVICES}\LanmanServer\Parameters\RequireSecuritySignature", "dword:0"),
    ),
    "a server signs nothing by itself": broken(
        "winserver-1",
        "test_file_traffic_is_signed",
        ("unset", rf"{SERVICES}\LanmanWorkstation\Parameters\RequireSecuritySignature"),
    ),
    "files from servers without a log-in": broken(
        "pc-1",
        "test_no_files_from_servers_without_a_log_in",
        ("set", rf"{WINDOWS}\LanmanWorkstation\AllowInsecureGuestAuth", "dword:1"),
    ),
    "names are asked for by LLMNR": broken(
        "pc-1",
        "test_nobody_else_answers_for_a_name",
        ("set", rf"{POLICIES}\Windows NT\DNSClient\EnableMulticast", "dword:1"),
    ),
    "names are asked for by NetBIOS": broken(
        "winserver-1", "test_nobody_else_answers_for_a_name", ("unset", rf"{SERVICES}\NetBT\Parameters\NodeType")
    ),
    "old log-ins are taken": broken(
        "pc-1", "test_only_ntlmv2_is_spoken", ("set", rf"{LSA}\LmCompatibilityLevel", "dword:3")
    ),
    "LM hashes are kept": broken("winserver-1", "test_only_ntlmv2_is_spoken", ("set", rf"{LSA}\NoLMHash", "dword:0")),
    "TLS 1.0 is spoken again": broken(
        "winserver-1", "test_windows_refuses_outdated_tls", ("unset", rf"{SCHANNEL}\TLS 1.0\Server\Enabled")
    ),
    "OneDrive synchronises": broken(
        "pc-1", "test_onedrive_copies_nothing", ("set", rf"{WINDOWS}\OneDrive\DisableFileSyncNGSC", "dword:0")
    ),
    "one person's own OneDrive": broken(
        "pc-2", "test_onedrive_copies_nothing", ("unset", rf"{PERSON}\Policies\Microsoft\OneDrive\DisablePersonalSync")
    ),
    "OneDrive starts at the log-in": broken(
        "pc-1",
        "test_onedrive_starts_for_nobody",
        ("set", rf"{PERSON}\Microsoft\Windows\CurrentVersion\Run\OneDrive", "string:OneDrive.exe"),
    ),
    "Dropbox is installed": broken(
        "pc-2",
        "test_no_program_copies_files_into_a_cloud_on_windows",
        ("set", rf"{UNINSTALL}\Dropbox\DisplayName", "string:Dropbox"),
        mended=False,
    ),
    "settings are synchronised": broken(
        "pc-1", "test_windows_keeps_to_this_host", ("set", rf"{WINDOWS}\SettingSync\DisableSettingSync", "dword:0")
    ),
    "private Microsoft accounts log in": broken(
        "pc-1", "test_nobody_logs_in_with_a_private_microsoft_account", ("set", rf"{SYSTEM}\NoConnectedUser", "dword:0")
    ),
}
