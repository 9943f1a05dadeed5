"""The web application of one gateway: the guard's board, the fever log, kiosks, the API.

It is a process of its own, so that a hundred open boards do not delay the red light. It reads the
gateway's database, subscribes to its broker, and publishes acknowledgements, lamp tests and what
administrators send to kiosks. It writes nothing but strikes to the gateway's database.

`app` serves it and `context` is what all pages share, with `page_words` for their templates. The
board: `board`, `live`, `fever_list`, `lamps`, `passers`. Follow-ups of fevers: `follow_up_page`,
`follow_ups`, `follow_up_forwarder`, `fhir`. Fevers of any day: `fever_pages`, `fever_search`; who
passed the gate then: `trace`, `trace_pages`. The daily log: `log_pages`, `log_sheet`, `sign_offs`.
Many days: `overview`, `overview_pages`, `charts`. Kiosks: `kiosk_pages`, `kiosk_state`,
`kiosk_actions`, `kiosk_settings_pages`, `device_pages`, `setup_codes`. Duty: `duty_pages`,
`hand_over`. Wall displays: `screens`, `screen_pages`, `qr_code`. Programs: `api`, `api_part`,
`openapi`, `roll_api`, `register_api`, `trace_api`.
"""
