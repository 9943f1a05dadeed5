"""The mosquitto broker beside the gateway.

`broker_files`: its configuration, access list and passwords. `start_command`: `fevergate broker`,
which repairs these before each start. `connection_limit`: connections per address, by nftables.
`drops`: whether the broker dropped messages for the gateway.
"""
