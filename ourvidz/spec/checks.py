"""The second layer of checks: what files, settings and families say fits together, or no catalog."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from ourvidz.spec.agreement import Declared, check_buckets, check_fallbacks, check_ids, check_queues
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.consistency import check_consistency
from ourvidz.spec.defaults import MIME_TYPES, THUMBNAIL_MIME_TYPE, bucket_entry, queue_entry
from ourvidz.spec.families import FamilyRules
from ourvidz.spec.job_type import JobType
from ourvidz.spec.loading import Declaration, SettingsFile, Sources
from ourvidz.spec.problems import FieldPath, Finding, Problem, SpecInvalid
from ourvidz.spec.settings import BucketEntry, ModelEntry, Settings
from ourvidz.spec.vram import measure_room, written
from ourvidz.spec.wording import one_of_known

Families = Mapping[str, FamilyRules]
ExtraCheck = Callable[[JobType], Iterable[Finding]]
Schemes = Mapping[str, Collection[str]]


def build_catalog(
    sources: Sources,
    families: Families,
    extra_checks: Sequence[ExtraCheck] = (),
    schemes: Schemes = MappingProxyType({}),
) -> Catalog:
    """Make a catalog of what was read.

    ``families`` are by name, in lower case; ``extra_checks`` look at every job type after its family;
    ``schemes`` are the URL schemes that plugins serve, by what they are for: queue, storage, callback.
    Raises SpecInvalid with all problems of all files.
    """
    settings_file, settings = sources.settings_file, sources.settings
    declarations = list(sources.declarations)
    declared = _by_id(declarations)
    models = _models(settings, families, declared)
    problems = [
        *sources.problems,
        *_check_any(sources),
        *check_ids(declarations),
        *check_fallbacks(declared, {one.id for one in declarations}),
        *check_queues(declared, settings_file),
        *check_buckets(declared, settings_file),
        *_check_settings(settings_file, families),
        *_check_vram(declared, settings_file, families, models),
        *_check_backends(settings_file, schemes),
        *_check_broken(sources, families),
    ]
    for declaration, job_type in declared.values():
        findings = _check_one(job_type, families, models, settings_file, extra_checks)
        problems += (declaration.problem(one.field, one.code, one.found, one.expected) for one in findings)
    if problems:
        raise SpecInvalid(problems)
    job_types = {job_type.id: job_type for _, job_type in declared.values()}
    return Catalog(
        job_types=job_types,
        queues={
            name: queue_entry(settings, name) for name in sorted({one.queue for one in job_types.values()})
        },
        buckets=_buckets(settings, job_types.values()),
        models=models,
        settings=settings,
    )


def _by_id(declarations: Sequence[Declaration]) -> Declared:
    declared: dict[str, tuple[Declaration, JobType]] = {}
    for one in sorted(declarations, key=lambda one: one.id):
        if one.job_type is not None:
            declared.setdefault(one.id, (one, one.job_type))
    return declared


def _models(settings: Settings, families: Families, declared: Declared) -> Mapping[str, ModelEntry]:
    """The settings' models, and of each family in use its own unless the settings have one of its name."""
    used = {job_type.family for _, job_type in declared.values()} & families.keys()
    models = {name: families[name].default_model for name in used} | settings.models
    return dict(sorted(models.items()))


def _buckets(settings: Settings, job_types: Iterable[JobType]) -> Mapping[str, BucketEntry]:
    """Every bucket with the MIME types of what is stored there, thumbnails and inputs included."""
    stored: dict[str, set[str]] = {}
    for job_type in job_types:
        if job_type.inputs:
            # Whatever of pictures it takes, its entry says.
            stored.setdefault(settings.input_bucket, set())
        types = stored.setdefault(job_type.storage_bucket, set())
        types.add(MIME_TYPES[job_type.content_type])
        if job_type.thumbnail:
            types.add(THUMBNAIL_MIME_TYPE)
    buckets = {}
    for name, types in sorted(stored.items()):
        entry = bucket_entry(settings, name)
        file_types = (*entry.file_types, *sorted(types.difference(entry.file_types)))
        buckets[name] = entry.model_copy(update={"file_types": file_types})
    return buckets


def _check_any(sources: Sources) -> Iterator[Problem]:
    if not sources.files and not sources.unreadable:
        found, expected = "no job type", "at least one file that ends in .yaml"
        yield Problem(str(sources.folder), 1, 1, "", found, expected, "no_job_types")


def _check_broken(sources: Sources, families: Families) -> Iterator[Problem]:
    """Names that lead nowhere in job types with other problems: whoever mends those is told of all."""
    told = {(one.file, one.line, one.column) for one in sources.problems}
    ids = {one.id for one in sources.declarations}
    for one in sources.declarations:
        if one.job_type is None:
            yield from (
                problem
                for problem in _check_names(one, families, ids)
                if (problem.file, problem.line, problem.column) not in told
            )


def _check_names(declaration: Declaration, families: Families, ids: set[str]) -> Iterator[Problem]:
    worker, fallback = declaration.text("worker"), declaration.text("fallback")
    if worker is not None and worker.lower() not in families:
        yield declaration.problem(("worker",), "unknown_worker", worker, _plugin(worker.lower(), families))
    if fallback is not None and fallback not in ids:
        expected = one_of_known("the id of a job type", fallback, ids)
        yield declaration.problem(("fallback",), "unknown_fallback", fallback, expected)


def _check_one(
    job_type: JobType,
    families: Families,
    models: Mapping[str, ModelEntry],
    settings_file: SettingsFile,
    extra_checks: Sequence[ExtraCheck],
) -> Iterator[Finding]:
    """What is wrong with one job type. Where its own fields disagree, its family is not heard as well."""
    own = list(check_consistency(job_type))
    yield from own
    said = {one.field for one in own}
    family = families.get(job_type.family)
    if family is None:
        yield Finding(("worker",), "unknown_worker", job_type.worker, _plugin(job_type.family, families))
        return
    name = job_type.model or job_type.family
    model = models.get(name)
    if model is None:
        if not settings_file.problems:
            yield Finding(
                ("model",),
                "unknown_model",
                name,
                one_of_known("a key of models in ourvidz.yaml", name, models),
            )
    elif model.family != job_type.family:
        found = f"{name}, which is a model of {model.family}"
        yield Finding(("model",), "model_of_another_family", found, f"a model of {job_type.family}")
    else:
        yield from (one for one in family.check(job_type, model) if one.field not in said)
        yield from _check_peak(job_type, name, model.vram or family.default_model.vram)
    for check in extra_checks:
        yield from (one for one in check(job_type) if one.field not in said)


def _check_peak(job_type: JobType, model: str, size: int | None) -> Iterator[Finding]:
    """A job's peak includes its model, and so is no less than it."""
    if job_type.vram is not None and size is not None and job_type.vram.peak < size:
        found = f"{written(job_type.vram.peak)}, with a model, {model}, of {written(size)}"
        yield Finding(("vram", "peak"), "vram_invalid", found, "the most in use at a time, model included")


def _check_settings(settings_file: SettingsFile, families: Families) -> Iterator[Problem]:
    """Names in ``ourvidz.yaml`` that lead nowhere."""
    settings, document = settings_file.settings, settings_file.document
    for name, entry in settings.workers.items():
        path: FieldPath = ("workers", name)
        if name not in families:
            position = document.key_position(path)
            yield document.problem(path, "unknown_worker", name, _plugin(name, families), position=position)
        if entry.profile is not None and entry.profile not in settings.profiles:
            expected = one_of_known("a key of profiles", entry.profile, settings.profiles)
            yield document.problem((*path, "profile"), "unknown_profile", entry.profile, expected)
    for name, model in settings.models.items():
        if model.family not in families:
            expected = _plugin(model.family, families)
            yield document.problem(("models", name, "family"), "unknown_worker", model.family, expected)


def _check_vram(
    declared: Declared, settings_file: SettingsFile, families: Families, models: Mapping[str, ModelEntry]
) -> Iterator[Problem]:
    """Each model that jobs need has room for itself and for the work of any job."""
    for name, worker in settings_file.settings.workers.items():
        if worker.vram is None or name not in families:
            continue
        job_types = [one for _, one in declared.values() if one.family == name and one.takes_jobs]
        mine = {key: entry for key, entry in models.items() if entry.family == name}
        room = measure_room(worker.vram, job_types, mine, families[name].default_model)
        path: FieldPath = ("workers", name, "vram")
        # A model that does not exist is a problem of its own.
        needed = sorted({one.model or name for one in job_types} & mine.keys())
        for model in needed:
            if model not in room.sizes:
                found = f"{written(worker.vram)}, and nobody says what {model} takes of it"
                expected = f"vram in models: {model}: as well"
                yield settings_file.document.problem(path, "vram_unknown", found, expected)
        largest = max((one for one in needed if one in room.sizes), key=room.sizes.__getitem__, default=None)
        if largest is not None and room.taken_with([largest]) > worker.vram:
            found = f"{written(worker.vram)}, with {room.sum_of([largest])}"
            expected = f"at least {written(room.taken_with([largest]))}"
            yield settings_file.document.problem(path, "vram_exceeded", found, expected)


def _check_backends(settings_file: SettingsFile, schemes: Schemes) -> Iterator[Problem]:
    for kind, known in schemes.items():
        scheme = getattr(settings_file.settings.backends, kind).partition(":")[0]
        if scheme not in known:
            # The scheme alone, since the rest of a URL may hold a secret.
            expected = one_of_known(f"the scheme of a {kind} that a plugin offers", scheme, known)
            yield settings_file.document.problem(("backends", kind), "unknown_scheme", scheme, expected)


def _plugin(name: str, families: Families) -> str:
    return one_of_known("a family that a plugin offers, installed or by --plugin-dir", name, families)
