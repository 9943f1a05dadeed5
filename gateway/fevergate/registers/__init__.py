"""Registers that people keep beside the measuring: declared in TOML, their entries in a database.

`declarations`: registers.toml, that of the product and that of a site. `entry_form`: what a person
or program entered, checked against a declaration. `entries`: the store, the same for a gateway and
a campus server.
"""
