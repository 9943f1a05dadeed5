"""Changes kiosks over the network: settings, calibration, firmware updates.

Each command (`*_command`) has its logic in a module beside it: `remote_settings`, `calibration`,
`rollout`, `firmware_bundle`, `display_notice`. `boards` lists the boards that a kiosk runs on;
`cable` writes onto one over USB.
"""
