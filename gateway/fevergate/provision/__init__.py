"""Trust for a campus, made once and kept: authority, certificates, credentials, access list.

`gateway` and `campus` create the folder of a gateway and of a campus server; `kiosks` and `gates`
change one kiosk in it, `upgrade` the broker's files. `steps` is the sequence of each command and
`step_texts` what it says, `services` restarts what runs, `labels` prints, `files` is common to all.
"""

from fevergate.provision.gateway import provision as provision
