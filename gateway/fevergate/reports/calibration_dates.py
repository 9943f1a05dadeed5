"""When each kiosk was calibrated last, and after how long it is due again."""

CALIBRATION_DAYS = 365
"""A calibration that is older is due again."""

UNITS = """
    select k.kiosk, k.health ->> '$.sensor', max(c.at), c.by, c.uncertainty_c
    from kiosks k left join calibrations c
        on c.kiosk = k.kiosk and c.sensor = k.health ->> '$.sensor'
    group by k.kiosk"""
"""For each kiosk the newest calibration (UTC s, by whom, °C) of the sensor that is in it now; that
of a sensor which was there before says nothing."""
