"""The running gateway: puts alarm, storage and forwarding together."""
