"""Reads settings files (TOML) into typed structs; a mistake is one line: file, key, expectation.

`settings_file`: how any of them is read. `gateway`: gateway.toml. `contacts`: mail server and
contacts, for gateway and campus server. `people`: the list of people. `collector`: collect.toml.
`last_good`: copies of settings, secrets and certificates that replace a file which a power cut
damaged.
"""
