"""timm where torchvision is absent: its networks use nothing of it, and torchvision's wheel for Linux wants a CUDA build of
torch. While timm is imported, torchvision's modules are stand-ins; afterwards they are gone, so that nobody finds them."""
import importlib.util
import sys
from unittest import mock

MODULES = () if importlib.util.find_spec("torchvision") else (
    "torchvision", "torchvision.ops", "torchvision.ops.misc", "torchvision.transforms", "torchvision.transforms.functional",
    "torchvision.datasets", "torchvision.models", "torchvision.models.feature_extraction")
sys.modules.update((name, mock.MagicMock()) for name in MODULES)
try:
    import timm
    import timm.data.model_config  # otherwise only when a model is saved
finally:
    for name in MODULES:
        del sys.modules[name]
