"""Date of each kiosk's last calibration, and when the next one is due."""

CALIBRATION_DAYS = 365
"""Days after which a sensor must be calibrated again."""

UNITS = """
    select k.kiosk, k.health ->> '$.sensor', max(c.at), c.by, c.uncertainty_c, c.supply_v
    from kiosks k left join calibrations c
        on c.kiosk = k.kiosk and c.sensor = k.health ->> '$.sensor'
    group by k.kiosk"""
"""SQL: for each kiosk the last calibration (Unix time in s, by whom, uncertainty in °C, supply
voltage that was set in V) of the sensor that is in it now; calibrations of an earlier sensor do not
count."""
