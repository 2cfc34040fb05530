"""timm without its dependencies: its networks use nothing of torchvision, whose wheel for Linux wants a CUDA build of torch.
./qb test unpacks timm's wheel beside the models. While timm is imported, torchvision's modules are stand-ins;
afterwards they are gone, so that nobody finds them."""
import importlib.util
import sys
from pathlib import Path
from unittest import mock

MODULES = () if importlib.util.find_spec("torchvision") else (
    "torchvision", "torchvision.ops", "torchvision.ops.misc", "torchvision.transforms", "torchvision.transforms.functional",
    "torchvision.datasets", "torchvision.models", "torchvision.models.feature_extraction")
sys.path.append(str(Path(__file__).resolve().parents[2] / "build/data/timm-1.0.31"))
sys.modules.update((name, mock.MagicMock()) for name in MODULES)
try:
    import timm
    import timm.data.model_config  # otherwise only when a model is saved
finally:
    for name in MODULES:
        del sys.modules[name]
