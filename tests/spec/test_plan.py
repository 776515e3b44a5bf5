"""The plan's job types: as the repository has them, and as the plan's own YAML blocks have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.checks import build_catalog
from ourvidz.spec.job_type import JobType
from ourvidz.spec.loading import read_sources

JOB_TYPES = Path(__file__).parent.parent.parent / "jobtypes"

#: Sections 2.1 and 2.2 of the plan, to the letter, trailing spaces included.
BLOCKS = {
    "sdxl.yaml": """\
sdxl_image_fast:
  worker: SDXL
  queue: sdxl_queue
  content_type: image
  resolution: 1024x1024
  steps: 15
  guidance: 6.0
  expected_time: 5s
  storage_bucket: sdxl_fast
  quality_tier: fast
  \n\
sdxl_image_high:
  worker: SDXL
  queue: sdxl_queue  \n\
  content_type: image
  resolution: 1024x1024
  steps: 25
  guidance: 7.5
  expected_time: 8s
  storage_bucket: sdxl_high
  quality_tier: high
""",
    "wan.yaml": """\
image_fast:
  worker: WAN
  queue: wan_queue
  content_type: image
  resolution: 832x480
  steps: 12
  guidance: 6.0
  expected_time: 73s
  storage_bucket: image_fast
  quality_tier: backup
  \n\
image_high:
  worker: WAN
  queue: wan_queue
  content_type: image
  resolution: 832x480
  steps: 25
  guidance: 7.5
  expected_time: 90s
  storage_bucket: image_high
  quality_tier: backup
  \n\
video_fast:
  worker: WAN
  queue: wan_queue
  content_type: video
  resolution: 480x832
  duration: 5s
  steps: 15
  guidance: 6.5
  expected_time: 180s
  storage_bucket: video_fast
  quality_tier: fast
  \n\
video_high:
  worker: WAN
  queue: wan_queue
  content_type: video
  resolution: 832x480
  duration: 6s
  steps: 25
  guidance: 8.0
  expected_time: 280s
  storage_bucket: video_high
  quality_tier: high
""",
    "premium.yaml": """\
sdxl_image_premium:
  worker: SDXL
  queue: sdxl_queue
  content_type: image
  resolution: 1280x1280
  steps: 40
  guidance: 8.5
  expected_time: 12s
  storage_bucket: sdxl_premium
  quality_tier: premium
  \n\
sdxl_img2img:
  worker: SDXL
  queue: sdxl_queue
  content_type: image
  resolution: 1024x1024
  steps: 20
  guidance: 7.0
  strength: 0.75
  expected_time: 6s
  storage_bucket: sdxl_img2img
  quality_tier: img2img
  requires: init_image_upload
""",
}

#: The fields that the plan's blocks speak of.
PLAN_FIELDS = (
    *("worker", "queue", "content_type", "resolution", "duration", "steps", "guidance", "strength"),
    *("expected_time", "storage_bucket", "quality_tier", "requires"),
)


def catalog_of(folder: Path) -> Catalog:
    return build_catalog(read_sources(folder, None), {"sdxl": SdxlFamily(), "wan": WanFamily()})


def of_the_plan(job_type: JobType) -> dict[str, object]:
    return {name: getattr(job_type, name) for name in PLAN_FIELDS}


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return catalog_of(JOB_TYPES)


def test_the_plans_blocks_load_and_say_what_the_files_say(shipped: Catalog, tmp_path: Path) -> None:
    for name, text in BLOCKS.items():
        (tmp_path / name).write_text(text)
    planned = catalog_of(tmp_path)
    assert list(planned.job_types) == list(shipped.job_types)
    for job_type in planned.job_types.values():
        assert of_the_plan(job_type) == of_the_plan(shipped[job_type.id])


def test_names_and_badges_are_the_plans(shipped: Catalog) -> None:
    first = [one for one in shipped.job_types.values() if one.phase == 1]
    assert {one.id: (one.display_name, one.display_badge) for one in first} == {
        "sdxl_image_fast": ("SDXL Fast", "ULTRA FAST"),
        "sdxl_image_high": ("SDXL High", "HIGH QUALITY"),
        "image_fast": ("WAN Fast", "BACKUP"),
        "image_high": ("WAN High", "BACKUP"),
        "video_fast": ("Video Fast", "VIDEO"),
        "video_high": ("Video High", "HD VIDEO"),
    }


def test_fallbacks_are_the_plans(shipped: Catalog) -> None:
    assert {one.id: one.fallback for one in shipped.of_family("sdxl")} == {
        "sdxl_image_fast": "image_fast",
        "sdxl_image_high": "image_high",
        "sdxl_image_premium": "image_high",
        "sdxl_img2img": None,
    }


def test_two_types_belong_to_phase_2_and_take_jobs_all_the_same(shipped: Catalog) -> None:
    second = [one for one in shipped.job_types.values() if one.phase == 2]
    assert [one.id for one in second] == ["sdxl_image_premium", "sdxl_img2img"]
    assert all(one.takes_jobs for one in second)


def test_images_come_in_batches_of_1_3_and_6(shipped: Catalog) -> None:
    assert {one.content_type: one.batch_sizes for one in shipped.job_types.values()} == {
        "image": (1, 3, 6),
        "video": (1,),
    }
