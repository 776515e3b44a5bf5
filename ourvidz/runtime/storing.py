"""Encodes what a model made and puts it into the job type's bucket."""

from __future__ import annotations
