"""A fever as FHIR R4 Observations of body temperature, for a clinic's system.

Source: hl7.org/fhir/R4/observation.html and the vital signs profile (LOINC 8310-5, UCUM Cel).
The kiosk's estimate is `preliminary`; the clinical thermometer's value is `final` when the
follow-up is closed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from fevergate.reports.fevers import Fever, identity_of
from fevergate.web.follow_ups import FollowUp

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
NAMESPACE = UUID("6f1c1f0e-6e0b-5a86-9d5e-0f6c7f6b5a10")
"""Namespace of the resources' UUIDs, so that a resource has the same UUID in each export."""

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
    """A Bundle (`collection`) as JSON values: the screening and, if there is one, the second
    measurement; with the person if a name was entered."""
    number = str(identity_of(fever)).replace("/", "-")
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
        # A contained resource: a clinic's system has its own patients, and people match them.
        subject = {"contained": [person], "subject": {"reference": "#person"}}
    if fever.body_c is not None:
        resource = _observation(f"screening-{number}", "preliminary", subject, fever.at, zone)
        resource["valueQuantity"] = _degrees(fever.body_c)
        resource["device"] = {
            "display": f"FeverGate kiosk {fever.kiosk}, {campus}, gate {fever.gate}"
        }
        resource["method"] = {"text": "infrared thermometer, axillary equivalent (estimate)"}
        resource["note"] = [{"text": "Screening, not a diagnosis."}]
        if fever.threshold_c is not None:
            resource["referenceRange"] = [{"high": _degrees(fever.threshold_c)}]
        entries.append(resource)
    if after and after.clinical_c is not None:
        status = "final" if after.closed else "preliminary"
        resource = _observation(f"clinical-{number}", status, subject, after.at, zone)
        resource["valueQuantity"] = _degrees(after.clinical_c)
        resource["method"] = {"text": "clinical thermometer"}
        if after.clinical_site in SITES:
            code, display = SITES[after.clinical_site]
            resource["bodySite"] = {
                "coding": [{"system": SNOMED, "code": code, "display": display}]
            }
        if after.by:
            resource["performer"] = [{"display": after.by}]
        entries.append(resource)
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": uuid5(NAMESPACE, resource["id"]).urn, "resource": resource}
            for resource in entries
        ],
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
