"""Settings files: TOML read into typed structs; a mistake is one line with file, key, expectation.

`settings_file`: how any of them is read. `gateway`: gateway.toml. `contacts`: the mail server and
whom to tell, of both servers. `people`: the list of people. `collector`: collect.toml. `last_good`:
copies of settings, secrets and certificates that replace a file which a power cut damaged.
"""
