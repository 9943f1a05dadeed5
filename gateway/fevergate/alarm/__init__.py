"""The alarm: decides when a gate's red or amber lamp is lit, and drives the lamps.

`alarm` decides: `gate_state` is what it knows of a gate, `seen_fevers` holds the fevers that were
raised before. `kiosk_monitor` finds kiosks that are not watching. `lamps` claims the lamps through
`gpio`, on the pins of `gpio_pins`; `pins_at_rest` releases them after the gateway has ended.
"""
