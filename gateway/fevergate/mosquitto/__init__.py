"""The mosquitto broker beside the gateway.

`broker_files`: the broker's configuration, access list and passwords. `start_command`: `fevergate
broker`, which repairs these files before each start. `connection_limit`: most connections per
address, set in nftables. `drops`: whether the broker dropped messages for the gateway.
"""
