"""MQTT connections to the broker: a lasting one, a command's (`one_shot`), and their `tls`.

The lasting one is a `client` with a paho client made in `session` and its queues in `traffic`.
"""
