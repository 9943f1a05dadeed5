"""MQTT connections to the broker: a lasting one (`client`), one command's (`one_shot`), `tls`."""
