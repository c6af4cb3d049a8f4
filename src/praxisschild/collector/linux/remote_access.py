"""Programs by which somebody outside the practice works on the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import read

# Installed past the package manager, as the makers' own installers do it.
TOOLS = {
    "AnyDesk": ("/usr/bin/anydesk", "/usr/local/bin/anydesk", "/opt/anydesk"),
    "Chrome Remote Desktop": ("/opt/google/chrome-remote-desktop",),
    "Cloudflare Tunnel": ("/usr/bin/cloudflared", "/usr/local/bin/cloudflared"),
    "DWService": ("/usr/share/dwagent", "/opt/dwagent"),
    "MeshAgent": ("/usr/local/mesh_services", "/opt/meshagent"),
    "NoMachine": ("/usr/NX",),
    "RustDesk": ("/usr/bin/rustdesk", "/usr/local/bin/rustdesk", "/opt/rustdesk"),
    "ScreenConnect": ("/opt/screenconnect", "/opt/connectwisecontrol"),
    "Splashtop": ("/opt/splashtop-streamer",),
    "Tailscale": ("/usr/sbin/tailscaled", "/usr/local/bin/tailscaled"),
    "TeamViewer": ("/opt/teamviewer", "/usr/bin/teamviewer"),
    "ZeroTier": ("/usr/sbin/zerotier-one",),
    "frp": ("/usr/bin/frpc", "/usr/local/bin/frpc"),
    "ngrok": ("/usr/bin/ngrok", "/usr/local/bin/ngrok", "/snap/bin/ngrok"),
}
PROCESSES = {
    "AnyDesk": "anydesk",
    "Cloudflare Tunnel": "cloudflared",
    "DWService": "dwagent",
    "MeshAgent": "meshagent",
    "NoMachine": "nxserver.bin",
    "RustDesk": "rustdesk",
    "TeamViewer": "teamviewerd",
    "Tailscale": "tailscaled",
    "ZeroTier": "zerotier-one",
    "frp": "frpc",
    "ngrok": "ngrok",
}


def remote_access() -> dict[str, Any]:
    """Names of the programs found by their files, and of those that run, also from somebody's home."""
    found = {name for name, paths in TOOLS.items() if any(Path(path).exists() for path in paths)}
    running = {read(path).strip() for path in Path("/proc").glob("[0-9]*/comm")}
    return {
        "installed": sorted(found),
        "running": sorted(name for name, process in PROCESSES.items() if process in running),
    }
