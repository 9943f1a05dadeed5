"""A fever for a clinic's system: FHIR R4 Observations of body temperature.

Source: hl7.org/fhir/R4/observation.html and the vital signs profile (LOINC 8310-5, UCUM Cel).
What the kiosk estimated is `preliminary`; what a clinical thermometer measured is `final` once
the follow-up is closed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from fevergate.reports.fever_log import Fever, identity_of
from fevergate.web.follow_ups import FollowUp

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
NAMESPACE = UUID("6f1c1f0e-6e0b-5a86-9d5e-0f6c7f6b5a10")
"""For names of resources that are the same each time."""

UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SITES = {
    "axillary": ("34797008", "Axillary region structure"),
    "oral": ("123851003", "Mouth region structure"),
    "ear": ("117590005", "Ear structure"),
}
"""SNOMED CT body structures."""


def observations(
    fever: Fever, after: FollowUp | None, campus: str, zone: ZoneInfo
) -> dict[str, Any]:
    """A Bundle (`collection`) in terms of JSON: the screening, and the second measurement if there
    is one; with the person, where a name is known."""
    number = "-".join(map(str, identity_of(fever)))
    entries: list[dict[str, Any]] = []
    subject: dict[str, Any] = {"subject": {"display": "not identified"}}
    if after and after.person:
        person: dict[str, Any] = {
            "resourceType": "Patient",
            "id": "person",
            "name": [{"text": after.person}],
        }
        if after.phone:
            person["telecom"] = [{"system": "phone", "value": after.phone}]
        # Contained: a clinic's system knows its own patients, and matches by hand.
        subject = {"contained": [person], "subject": {"reference": "#person"}}
    if fever.body_c is not None:
        one = _observation(f"screening-{number}", "preliminary", subject, fever.at, zone)
        one["valueQuantity"] = _degrees(fever.body_c)
        one["device"] = {"display": f"FeverGate kiosk {fever.kiosk}, {campus}, gate {fever.gate}"}
        one["method"] = {"text": "infrared thermometer, axillary equivalent (estimate)"}
        one["note"] = [{"text": "Screening, not a diagnosis."}]
        if fever.threshold_c is not None:
            one["referenceRange"] = [{"high": _degrees(fever.threshold_c)}]
        entries.append(one)
    if after and after.clinical_c is not None:
        status = "final" if after.closed else "preliminary"
        one = _observation(f"clinical-{number}", status, subject, after.at, zone)
        one["valueQuantity"] = _degrees(after.clinical_c)
        one["method"] = {"text": "clinical thermometer"}
        if after.clinical_site in SITES:
            code, display = SITES[after.clinical_site]
            one["bodySite"] = {"coding": [{"system": SNOMED, "code": code, "display": display}]}
        if after.by:
            one["performer"] = [{"display": after.by}]
        entries.append(one)
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": uuid5(NAMESPACE, one["id"]).urn, "resource": one} for one in entries],
    }


def _observation(
    number: str, status: str, subject: dict[str, Any], at: float, zone: ZoneInfo
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": number,
        "status": status,
        "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
        "code": {
            "coding": [{"system": LOINC, "code": "8310-5", "display": "Body temperature"}],
            "text": "Body temperature",
        },
        **subject,
        "effectiveDateTime": datetime.fromtimestamp(at, zone).isoformat(timespec="seconds"),
    }


def _degrees(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "°C", "system": UCUM, "code": "Cel"}
