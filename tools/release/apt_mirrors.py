"""Finds the Debian mirrors that this machine's apt uses; no file of the project names a mirror."""

import os
import subprocess

SUITES = ("bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable")
"""Debian's releases and their aliases; other archives (Node's, a cloud's) use other names."""


def mirrors() -> list[str]:
    """URIs from which apt takes Debian's `main`, in apt's order; empty if there are none."""
    try:
        listed = subprocess.run(
            [
                *("apt-get", "-o", "APT::Get::IndexTargets::ReleaseInfo=false", "indextargets"),
                *("--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"),
            ],
            capture_output=True,
            text=True,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        ).stdout
    except OSError:
        return []
    uris: dict[str, None] = {}
    for line in listed.splitlines():
        uri, release, component = line.rsplit(maxsplit=2)
        if component == "main" and release in SUITES and not uri.startswith("cdrom:"):
            uris[uri] = None
    return list(uris)
