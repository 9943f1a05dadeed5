"""A private site of real parts on this machine: broker, gateway, pages, campus server, people.

Tests, demonstration, benchmarks and chaos run on it. It imports the product and the simulator, and
nothing of those.
"""
