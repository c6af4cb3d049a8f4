"""Nothing worth protecting travels in the clear: what waits for others, what is mounted, and how SSH calls."""

from __future__ import annotations

from praxisschild.checks import not_applicable, requirement

# BSI TR-02102-4 lists none of these
WEAK_SSH = ("sha1", "md5", "cbc", "3des", "arcfour", "umac-64", "ripemd", "ssh-dss", "group1-")
# protocols that know no encryption; those that can be switched to TLS on the same port are not judged by their number
IN_THE_CLEAR = {
    ("tcp", 21): "FTP",
    ("tcp", 23): "Telnet",
    ("udp", 69): "TFTP",
    ("tcp", 79): "Finger",
    ("tcp", 80): "HTTP",
    ("udp", 161): "SNMP",
    ("tcp", 512): "rexec",
    ("tcp", 513): "rlogin",
    ("tcp", 514): "rsh",
    ("tcp", 873): "rsync",
    ("tcp", 2049): "NFS",
    ("tcp", 6000): "X11",
    ("tcp", 8080): "HTTP",
    ("tcp", 11211): "memcached",
    **{("tcp", port): "VNC" for port in range(5900, 5910)},
}


@requirement("2021-A3-12")
def test_no_service_speaks_in_the_clear(snapshot, measured):
    """Who plugs a notebook into a socket in the corridor reads passwords and findings along."""
    found = {
        f"{IN_THE_CLEAR[key]} ({key[0]}/{key[1]}, {socket.process})"
        for socket in snapshot.sockets
        if not socket.is_local and (key := (socket.protocol[:3], socket.port)) in IN_THE_CLEAR
    }
    measured(f"Dienste ohne Verschlüsselung: {', '.join(sorted(found)) or 'keine'}")
    assert not found


@requirement("2021-A3-12")
def test_ssh_calls_others_with_no_weak_algorithm(snapshot, measured):
    """The backup that travels to the server must be as unreadable as the administrator's session."""
    client = snapshot.ssh_client
    if client is None:
        not_applicable("Auf diesem Host ist kein SSH-Client installiert.")
    kinds = ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms")
    offered = {name for kind in kinds for name in client[kind].split(",")}
    weak = {name for name in offered if any(mark in name for mark in WEAK_SSH)}
    measured(f"Veraltete Verfahren des SSH-Clients: {', '.join(sorted(weak)) or 'keine'}")
    assert not weak


@requirement("2021-A3-12")
def test_folders_of_other_hosts_are_mounted_encrypted(snapshot, measured):
    """The server may encrypt its shares, and one mount with old options sends everything in the clear."""
    mounts = snapshot.network_mounts
    if not mounts:
        not_applicable("Auf diesem Host ist kein Ordner eines anderen Hosts eingehängt.")
    clear = {f"{mount.target} ({mount.kind})" for mount in mounts if not mount.is_encrypted}
    measured(f"Eingehängte Netzordner: {len(mounts)}; unverschlüsselt: {', '.join(sorted(clear)) or 'keine'}")
    assert not clear
