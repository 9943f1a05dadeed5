"""`fevergate bench`: how fast the gateway is on this machine, beside what limits it.

Real parts in a private folder: mosquitto with TLS and access list, the shipped gateway on mock
pins, kiosks with a credential each. Every party is a process of its own, and every figure has
its limit measured in the same run.
"""
