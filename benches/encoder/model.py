"""The encoder as int8 with dynamic ranges: weights that the package keeps as int8 are unfolded, and quantised by channel."""
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

source, whole, out = sys.argv[1:]
model = onnx.load(source)
graph = model.graph
known = {tensor.name: tensor for tensor in graph.initializer}
makers = {name: node for node in graph.node for name in node.output}
unfolded, gone = {}, set()
for node in graph.node:
    if node.op_type != "Mul":
        continue
    for weight, scale in (node.input, reversed(node.input)):
        cast = makers.get(weight)
        if cast is not None and cast.op_type == "Cast" and cast.input[0] in known and scale in known:
            kept = numpy_helper.to_array(known[cast.input[0]]).astype(np.float32)
            unfolded[node.output[0]] = kept * numpy_helper.to_array(known[scale]).astype(np.float32)
            gone |= {id(node), id(cast)}
nodes = [node for node in graph.node if id(node) not in gone]
used = {name for node in nodes for name in node.input}
tensors = [tensor for tensor in graph.initializer if tensor.name in used]
del graph.node[:], graph.initializer[:]
graph.node.extend(nodes)
graph.initializer.extend(tensors)
graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in unfolded.items())
onnx.save(model, whole)
quantize_dynamic(whole, out, per_channel=True, weight_type=QuantType.QInt8)
