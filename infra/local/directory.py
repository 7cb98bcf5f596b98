"""The patients of the local stack as the pages may show them: initials, language and local time, never a name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from followup import keys
from followup.domain.records import Clinic, ClinicId, Language, Patient, PatientId
from followup.ports import Records


@dataclass(frozen=True, slots=True)
class Phone:
    """A patient's phone: whose, and which of our numbers they write to."""

    patient_id: PatientId
    initials: str
    language: Language
    zone: str
    status: str
    number: str
    ours: str
    clinic: str


class Directory:
    """Reads patients and clinics when asked, and remembers numbers for the texts that come in between."""

    def __init__(self, records: Records, clinics: Iterable[ClinicId]) -> None:
        self._records = records
        self._clinics = tuple(clinics)
        self._lock = Lock()
        self._by_number: dict[str, tuple[PatientId, ...]] = {}

    def clinics(self) -> Sequence[Clinic]:
        found = self._records.get_many([keys.clinic(clinic_id) for clinic_id in self._clinics])
        return [record for record in found if isinstance(record, Clinic)]

    def patients(self) -> Sequence[Patient]:
        """All patients of the local clinics, in order of clinic and id."""
        found = [record for record in self._records.get_many(self.listed()) if isinstance(record, Patient)]
        return sorted(found, key=lambda patient: (patient.clinic_id, patient.patient_id))

    def listed(self) -> Sequence[keys.Key]:
        """Where the patients of the local clinics stand, without reading them."""
        return [key for clinic in self._clinics for key in self._records.listed(keys.patients_of(clinic))]

    def phones(self) -> Sequence[Phone]:
        """Everybody's phone, ordered by initials."""
        senders = {clinic.clinic_id: clinic.settings for clinic in self.clinics()}
        phones = [
            Phone(
                patient_id=patient.patient_id,
                initials=initials(patient.name),
                language=patient.language,
                zone=patient.zone,
                status=patient.status,
                number=patient.phone,
                ours=senders[patient.clinic_id].sender,
                clinic=senders[patient.clinic_id].name,
            )
            for patient in self.patients()
        ]
        with self._lock:
            self._by_number = {
                number: tuple(phone.patient_id for phone in phones if phone.number == number)
                for number in {phone.number for phone in phones}
            }
        return sorted(phones, key=lambda phone: (phone.initials, phone.patient_id))

    def whose(self, number: str) -> tuple[PatientId, ...]:
        """The patients with this number; none if nobody has it."""
        with self._lock:
            known = self._by_number.get(number)
        if known is None:
            self.phones()
            with self._lock:
                known = self._by_number.setdefault(number, ())
        return known


def initials(name: str) -> str:
    """Up to three initials in the order given, or a dash for a name without letters."""
    parts = name.replace("-", " ").replace(",", " ").split()
    letters = [part[0].upper() for part in parts if part[0].isalpha()]
    return "".join(letters[:3]) or "–"
