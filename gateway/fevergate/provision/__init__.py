"""Trust for a campus, made once and kept: authority, certificates, credentials, access list.

`gateway` fills a gateway's folder, `kiosks` adds, renews and revokes in it, `campus` fills the
campus server's; `files` is what they have in common, `services` tells running programs.
"""

from fevergate.provision.gateway import provision as provision
