"""Makes, renews and revokes a campus's certificates and credentials, and writes the access list.

`gateway` and `campus` create the folder of a gateway and of a campus server; `kiosks` and `gates`
change one kiosk in it, `upgrade` the broker's files. `steps` is the sequence of each command and
`step_texts` its texts, `services` restarts services, `labels` makes labels, `files` is shared.
"""

from fevergate.provision.gateway import provision as provision
