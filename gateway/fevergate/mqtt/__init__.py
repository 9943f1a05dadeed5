"""MQTT connections to the broker: a permanent `client`, short ones (`one_shot`), and their `tls`.

The permanent `client` has a paho client made in `session`, and its queues in `traffic`.
"""
