"""Message types and topics, MQTT and HTTP; imports nothing of the package but its errors.

`messages`: MQTT between kiosk, gateway and people. `campus_messages`: HTTP between gateway and
campus server. `lamp_answer`: how a gate answers a lamp test. `asyncapi`: the MQTT messages as an
AsyncAPI document.
"""
