"""Face detectors: an image in, its faces out."""

from faces.detection.base import Detector
from faces.detection.mmod import MmodDetector
from faces.detection.registry import BUILT_IN, default_confidence, load
from faces.detection.ssd import SsdDetector
from faces.detection.yunet import YuNetDetector

__all__ = ["BUILT_IN", "Detector", "MmodDetector", "SsdDetector", "YuNetDetector", "default_confidence", "load"]
