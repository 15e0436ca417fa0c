"""Which parts of a picture a task looks at, and how far tasks look at the same parts.

A map per task and picture from captum (Grad-CAM and guided backpropagation), and the overlap of the
maps as numbers: intersection over union, correlation, and groups against other pairs. The extra
``ramify[regions]`` brings captum.
"""

from ramify.regions._contrast import Contrast
from ramify.regions._methods import (
    METHODS,
    GradCam,
    GuidedBackprop,
    GuidedGradCam,
    HiResCam,
    RegionMethod,
)
from ramify.regions._overlap import Overlap
from ramify.regions._recording import regions_record
from ramify.regions._regions import Regions, activation_regions
from ramify.regions._task_path import task_path

__all__ = [
    "METHODS",
    "Contrast",
    "GradCam",
    "GuidedBackprop",
    "GuidedGradCam",
    "HiResCam",
    "Overlap",
    "RegionMethod",
    "Regions",
    "activation_regions",
    "regions_record",
    "task_path",
]
