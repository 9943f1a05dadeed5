"""Message types and topics, MQTT and HTTP; imports nothing of the package but its errors.

`messages`: MQTT between kiosk and gateway. `alarm_messages`: between the gateway and guards.
`topics`: the topic of each, and who may read it. `campus_messages`: HTTP between gateway and
campus server. `lamp_answer`: how a gate answers a lamp test. `asyncapi`: the MQTT messages as an
AsyncAPI document.
"""
