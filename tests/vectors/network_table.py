#!/usr/bin/python3
"""network_table.py: makes network_table.h: a small graph as TensorFlow.js ships
one, a photo, and what comes out, worked out here operation by operation, with
nothing folded, by the definitions. Run it when the graph below changes."""
import json
import math
import struct

weights, nodes = [], []
seed = 7


def next_number():
    global seed
    seed = (seed * 1103515245 + 12345) % 2**31
    return seed / 2**31


def numbers(*shape, low=-1.0, high=1.0):
    """Values that a float32 holds exactly, in nested lists."""
    if not shape:
        return round((low + (high - low) * next_number()) * 64) / 64
    return [numbers(*shape[1:], low=low, high=high) for _ in range(shape[0])]


def flat(value):
    return [x for part in value for x in flat(part)] \
        if isinstance(value, list) else [value]


def weight(name, *shape, **more):
    value = numbers(*shape, **more)
    weights.append((name, list(shape), value))
    nodes.append({"name": name, "op": "Const", "attr": {}})
    return value


def node(name, op, *inputs, **attr):
    nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attr})


def text(value):
    return {"s": list(value.encode())}


def convolution(name, source, stride, depthwise=False):
    node(name, "DepthwiseConv2dNative" if depthwise else "Conv2D", source,
         name + "/weights", padding=text("SAME"), data_format=text("NHWC"),
         strides={"list": {"i": ["1", str(stride), str(stride), "1"]}})


def run_convolution(x, w, stride, depthwise=False):
    height, width, size = len(x), len(x[0]), len(w)
    out = []
    for oy in range(math.ceil(height / stride)):
        out.append([])
        for ox in range(math.ceil(width / stride)):
            missing = [max((math.ceil(n / stride) - 1) * stride + size - n, 0)
                       for n in (height, width)]
            outs = len(x[0][0]) if depthwise else len(w[0][0][0])
            sums = [0.0] * outs
            for ky in range(size):
                for kx in range(size):
                    y = oy * stride + ky - missing[0] // 2
                    z = ox * stride + kx - missing[1] // 2
                    if not (0 <= y < height and 0 <= z < width):
                        continue
                    for o in range(outs):
                        if depthwise:
                            sums[o] += x[y][z][o] * w[ky][kx][o][0]
                        else:
                            sums[o] += sum(a * row[o] for a, row in
                                           zip(x[y][z], w[ky][kx]))
            out[-1].append(sums)
    return out


def by_channel(x, change):
    return [[[change(v, c) for c, v in enumerate(pixel)] for pixel in row]
            for row in x]


def relu6(x):
    return by_channel(x, lambda v, c: min(max(v, 0.0), 6.0))


SIDE = 7
photo = numbers(SIDE, SIDE, 3, low=-9.0, high=9.0)    # beyond 6
node("photo", "Placeholder")
x = photo

# a convolution with FusedBatchNorm; padding is odd, so not the same both ways
w = weight("first/weights", 3, 3, 3, 4)
gamma, beta = weight("gamma", 4), weight("beta", 4)
mean, variance = weight("mean", 4), weight("variance", 4, low=0.5, high=2.0)
convolution("first", "photo", 2)
node("norm", "FusedBatchNorm", "first", "gamma", "beta", "mean", "variance",
     epsilon={"f": 0.001})
node("first/Relu6", "Relu6", "norm")
x = run_convolution(x, w, 2)
x = relu6(by_channel(x, lambda v, c: (v - mean[c]) * gamma[c]
                     / math.sqrt(variance[c] + 0.001) + beta[c]))
block = x

# a depthwise one with scale and shift apart, as an optimiser leaves them
w = weight("deep/weights", 3, 3, 4, 1)
scale, shift = weight("scale", 4), weight("shift", 4)
convolution("deep", "first/Relu6", 1, depthwise=True)
node("deep/mul", "Mul", "deep", "scale")
node("deep/add", "Add", "deep/mul", "shift")
node("deep/Relu6", "Relu6", "deep/add")
x = relu6(by_channel(run_convolution(x, w, 1, True),
                     lambda v, c: v * scale[c] + shift[c]))

# back to the block's begin: its bias stands outside of the sum
w = weight("project/weights", 1, 1, 4, 4)
bias = weight("bias", 4)
convolution("project", "deep/Relu6", 1)
node("sum", "AddN", "project", "first/Relu6:0")
node("sum/bias", "Add", "bias", "sum")
x = run_convolution(x, w, 1)
x = [[[v + bias[c] + b for c, (v, b) in enumerate(zip(p, q))]
      for p, q in zip(row, other)] for row, other in zip(x, block)]

# two heads of different sizes: one, and two boxes of three classes
outputs = []
for number, boxes, source, stride in (("0", 1, "sum/bias", 2),
                                      ("1", 2, "sum/bias", 1)):
    name = "head" + number
    w = weight(name + "/weights", 3, 3, 4, 3 * boxes)
    b = weight(name + "/biases", 3 * boxes)
    convolution(name, source, stride)
    node(name + "/BiasAdd", "BiasAdd", name, name + "/biases")
    node(name + "/Reshape", "Reshape", name + "/BiasAdd", "shape")
    outputs.append(by_channel(run_convolution(x, w, stride),
                              lambda v, c: v + b[c]))
node("joined", "ConcatV2", "head0/Reshape", "head1/Reshape", "axis")

model = {"modelTopology": {"node": nodes}, "weightsManifest": [{
    "paths": ["shard"], "weights": [
        {"name": name, "shape": shape, "dtype": "float32"}
        for name, shape, _ in weights]}]}


def array(kind, name, values):
    lines = [", ".join(values[i:i + 8]) for i in range(0, len(values), 8)]
    return f"static const {kind} {name}[] = {{\n\t" + ",\n\t".join(lines) \
        + "\n};\n"


def floats(values):
    return [f"{struct.unpack('<f', struct.pack('<f', v))[0]!r}f"
            for v in flat(values)]


document = json.dumps(model, separators=(",", ":"))
with open(__file__.replace(".py", ".h"), "w", encoding="utf-8") as file:
    file.write("/*\n * network_table.h: made by network_table.py.\n */\n"
               "#ifndef VECTORS_NETWORK_TABLE_H\n"
               "#define VECTORS_NETWORK_TABLE_H\n\n"
               f"#define NETWORK_SIDE {SIDE}u\n#define NETWORK_CLASSES 3u\n\n"
               "static const char network_json[] =\n")
    for i in range(0, len(document), 60):
        part = document[i:i + 60].replace("\\", "\\\\").replace('"', '\\"')
        file.write(f'\t"{part}"\n')
    file.write("\t;\n\n")
    file.write(array("float", "network_weights",
                     floats([value for _, _, value in weights])))
    file.write(array("float", "network_photo", floats(photo)))
    for i, output in enumerate(outputs):
        file.write(array("float", f"network_output_{i}", floats(output)))
    file.write("\n#endif\n")
