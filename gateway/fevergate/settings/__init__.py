"""Settings files: TOML read into typed structs; a mistake is one line with file, key, expectation.

`gateway`: gateway.toml, and how any settings file is read. `contacts`: the
mail server and whom to tell, of both servers. `collector`: collect.toml. `last_good`:
copies of settings, secrets and certificates that replace a file which a power cut damaged.
"""
