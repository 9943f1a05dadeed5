"""`tools/bench`: the gateway's speed on this machine, beside what limits it.

Real parts in a private folder: mosquitto with TLS and access list, the shipped gateway on mock
pins, kiosks with a credential each. Each party is a process of its own, and each figure has its
limit measured in the same run.
"""
