"""`tools/bench`: the gateway's speed on this machine, beside what limits it.

Real parts in a private folder: mosquitto with TLS and access list, the shipped gateway on mock
pins, kiosks with a credential each. Each runs as its own process, and each figure is measured
beside its limit in the same run.
"""
