"""Reports, assistants, recycle bins."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows"
PERSON = r"HKU\{machine}-1001\Software\Policies\Microsoft\Windows"


def broken(host: str, red: str, *changes: tuple[str, ...]) -> Mutation:
    return Mutation(host, changes, frozenset(red.split()), "data_minimisation")


MUTATIONS = {
    "everything is reported": broken(
        "pc-1",
        "test_windows_reports_as_little_as_its_edition_allows",
        ("set", rf"{POLICIES}\DataCollection\AllowTelemetry", "dword:3"),
    ),
    "a server reports what a PC has to": broken(
        "winserver-1",
        "test_windows_reports_as_little_as_its_edition_allows",
        ("set", rf"{POLICIES}\DataCollection\AllowTelemetry", "dword:1"),
    ),
    "the collector runs": broken(
        "pc-2",
        "test_no_service_collects_about_the_host",
        ("set", "services.DiagTrack.start", "auto"),
        ("set", "services.DiagTrack.state", "running"),
    ),
    "errors are reported": broken(
        "pc-1", "test_windows_tells_nobody", ("set", rf"{POLICIES}\Windows Error Reporting\Disabled", "dword:0")
    ),
    "Cortana listens": broken(
        "pc-2", "test_windows_tells_nobody", ("unset", rf"{POLICIES}\Windows Search\AllowCortana")
    ),
    "one person's search asks the internet": broken(
        "pc-1",
        "test_the_search_box_suggests_nothing_from_the_internet",
        ("unset", rf"{PERSON}\Explorer\DisableSearchBoxSuggestions"),
    ),
    "Recall takes pictures": broken(
        "pc-1", "test_windows_remembers_no_screens", ("set", rf"{POLICIES}\WindowsAI\DisableAIDataAnalysis", "dword:0")
    ),
    "a crash keeps the memory": broken(
        "winserver-1",
        "test_a_crash_of_windows_leaves_no_copy_of_the_memory",
        ("set", r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl\CrashDumpEnabled", "dword:7"),
    ),
    "the recycle bin keeps everything": broken(
        "pc-1",
        "test_the_recycle_bin_empties_itself",
        ("set", rf"{POLICIES}\StorageSense\ConfigStorageSenseRecycleBinCleanupThreshold", "dword:0"),
    ),
    "the recycle bin keeps things for two months": broken(
        "pc-2",
        "test_the_recycle_bin_empties_itself",
        ("set", rf"{POLICIES}\StorageSense\ConfigStorageSenseRecycleBinCleanupThreshold", "dword:60"),
    ),
    "temporary files stay": broken(
        "pc-2",
        "test_temporary_files_of_windows_do_not_stay",
        ("unset", rf"{POLICIES}\StorageSense\AllowStorageSenseTemporaryFilesCleanup"),
    ),
}
