"""Registers that people keep, such as of visitors: declared in TOML, entries in a database.

`declarations`: registers.toml of the product and of a site. `entry_form`: checks what a person or
program entered against a declaration. `entries`: the store, the same for a gateway and a campus
server.
"""
