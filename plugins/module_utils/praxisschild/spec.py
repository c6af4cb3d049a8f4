"""What a batch may contain: the module's argument spec, which the action plugin reads too."""

from __future__ import annotations

REQUIREMENTS = {"type": "list", "elements": "str", "default": [], "aliases": ["requirement"]}
COMMANDS = {"type": "list", "elements": "list", "default": []}

ROW = {
    "option": {"type": "raw"},
    "path": {"type": "list", "elements": "str"},
    "value": {"type": "raw"},
    "section": {"type": "str"},
    "requirements": REQUIREMENTS,
    "when": {"type": "bool", "default": True},
}

STYLE = {
    "kind": {"type": "str", "choices": ["lines", "ini", "json"], "default": "lines"},
    "separator": {"type": "str"},
    "list_separator": {"type": "str", "default": ","},
    "comment": {"type": "str", "default": "#"},
    "true": {"type": "str"},
    "false": {"type": "str"},
}

FILE = {
    "dest": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
    "content": {"type": "str"},
    "rows": {"type": "list", "elements": "dict", "options": ROW},
    "style": {"type": "dict", "options": STYLE},
    "template": {"type": "str"},
    "template_vars": {"type": "dict"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str"},
    "validate": {"type": "str"},
    "notify": {"type": "list", "elements": "str", "default": []},
    "no_diff": {"type": "bool", "default": False},
    "managed_only": {"type": "bool", "default": False},
    "requirements": REQUIREMENTS,
}

PACKAGES = {
    "present": {"type": "list", "elements": "str", "default": []},
    "absent": {"type": "list", "elements": "str", "default": []},
}

HANDLER = {
    "name": {"type": "str", "required": True},
    "unit": {"type": "str"},
    "action": {
        "type": "str",
        "choices": ["reload", "reload-or-restart", "restart", "start", "stop", "try-reload-or-restart", "try-restart"],
        "default": "reload-or-restart",
    },
    "command": {"type": "list", "elements": "str"},
}

UNIT = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["started", "stopped"]},
    "enabled": {"type": "bool"},
    "masked": {"type": "bool"},
    "requirements": REQUIREMENTS,
}

ARGUMENTS = {
    "packages": {"type": "dict", "options": PACKAGES, "apply_defaults": True},
    "files": {"type": "list", "elements": "dict", "options": FILE, "default": []},
    "handlers": {"type": "list", "elements": "dict", "options": HANDLER, "default": []},
    "verify": COMMANDS,
    "units": {"type": "list", "elements": "dict", "options": UNIT, "default": []},
    "guard": {"type": "bool", "default": False},
    "guard_keep": {"type": "list", "elements": "path", "default": []},
    "guard_undo": COMMANDS,
    "guard_seconds": {"type": "int", "default": 60},
    "role": {"type": "str", "default": "play"},
    "phase": {"type": "str", "choices": ["apply", "confirm", "status"], "default": "apply"},
    "run": {"type": "str"},
    "state_dir": {"type": "path", "default": "/var/lib/praxisschild"},
}
