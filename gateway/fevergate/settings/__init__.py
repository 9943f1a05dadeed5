"""Settings files: TOML read into typed structs; a mistake is one line with file, key, expectation.

`gateway`: gateway.toml, and how any settings file is read. `collector`: collect.toml. `last_good`:
copies of settings, secrets and certificates that replace a file which a power cut damaged.
"""
