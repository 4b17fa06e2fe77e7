"""Bundle → what other programs open: ONNX, a MONAI bundle."""
