#!/usr/bin/python3
"""network_table.py: makes network_table.h: a small graph as TensorFlow.js ships
one, and the same, folded, as TensorFlow Lite does; a photo, and what comes out,
worked out here operation by operation, with nothing folded, by the definitions.
Run it when the graph at the end changes."""
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


# --- TensorFlow Lite -------------------------------------------------------------

class Flat:
    """A FlatBuffer, parents before children. A table is a list of fields: None,
    (format, value), or what is pointed to: a list, bytes, a "text", or a
    Vector; a field may be Named, and then its place is kept."""

    def __init__(self, root):
        self.bytes = bytearray(4) + b"TFL3"
        self.places = {}
        self.point(0, root)

    def align(self):
        self.bytes += bytes(-len(self.bytes) % 4)

    def point(self, at, child):
        self.align()
        here = self.add(child)
        struct.pack_into("<I", self.bytes, at, here - at)

    def add(self, child):
        if isinstance(child, str):
            child = child.encode()
        here = len(self.bytes)
        if isinstance(child, bytes):
            self.bytes += struct.pack("<I", len(child)) + child + b"\0"
        elif isinstance(child, Vector):
            self.bytes += struct.pack("<I", len(child))
            if child and isinstance(child[0], int):
                self.bytes += struct.pack(f"<{len(child)}i", *child)
                return here
            self.bytes += bytes(4 * len(child))
            for i, one in enumerate(child):
                self.point(here + 4 + 4 * i, one)
        else:
            here = self.add_table(child)
        return here

    def add_table(self, fields):
        values = [one.value if isinstance(one, Named) else one
                  for one in fields]
        vtable = 4 + 2 * len(fields)
        vtable += vtable % 4
        here = len(self.bytes) + vtable
        places = [here + 4 + 4 * i if one is not None else 0
                  for i, one in enumerate(values)]
        self.bytes += struct.pack(
            f"<HH{len(fields)}H", 4 + 2 * len(fields), 4 + 4 * len(fields),
            *[at and at - here for at in places])
        self.align()
        self.bytes += struct.pack("<i", vtable) + bytes(4 * len(fields))
        for field, value, at in zip(fields, values, places):
            if isinstance(field, Named):
                self.places[field.name] = at
            if isinstance(value, tuple):
                struct.pack_into("<" + value[0], self.bytes, at, value[1])
            elif value is not None:
                self.point(at, value)
        return here


class Vector(list):
    pass


class Named:
    def __init__(self, name, value):
        self.name, self.value = name, value


ADD, CONCATENATION, CONV_2D, DEPTHWISE, DEQUANTIZE, RESHAPE = 0, 2, 3, 4, 6, 22
codes = [ADD, CONCATENATION, CONV_2D, DEPTHWISE, DEQUANTIZE, RESHAPE]
# BuiltinOptions
options_kind = {CONV_2D: 1, DEPTHWISE: 2, CONCATENATION: 10, ADD: 11,
                RESHAPE: 17}
tensors, operators = Vector(), Vector()
buffers = Vector([[None]])      # the first is empty
FLOAT32, FLOAT16 = 0, 1


def tensor(name, shape, data=None, kind=FLOAT32):
    if data is not None:
        buffers.append([data])
    tensors.append([Vector(shape), Named(name + " type", ("b", kind)),
                    ("I", len(buffers) - 1 if data is not None else 0),
                    name])
    return len(tensors) - 1


def operate(code, inputs, output, options=None):
    operators.append([
        ("I", codes.index(code)),
        Named(tensors[output][3] + " inputs", Vector(inputs)),
        Vector([output]), ("b", options_kind.get(code, 0)), options])
    return output


def constant(name, shape, values, half=False):
    """Of 16 bits, as most weights are shipped, or of 32."""
    if not half:
        return tensor(name, shape, struct.pack(f"<{len(values)}f", *values))
    stored = tensor(name + "/half", shape,
                    struct.pack(f"<{len(values)}e", *values), FLOAT16)
    return operate(DEQUANTIZE, [stored], tensor(name, shape))

# --- the graph -------------------------------------------------------------------

class Place:
    """The same place of both graphs, and what comes out there."""

    def __init__(self, node, tensor, figures):
        self.node, self.tensor, self.figures = node, tensor, figures


def shape_of(figures):
    return [1, len(figures), len(figures[0]), len(figures[0][0])]


def layer(name, source, w, biases, stride, depthwise=False, relu6=False,
          scales=None, half=False):
    """A convolution. TensorFlow Lite's does what follows it as well: its weights
    stand by output first, times what their output is scaled by. Gives what comes
    out of the convolution alone, and that tensor."""
    node(name, "DepthwiseConv2dNative" if depthwise else "Conv2D", source.node,
         name + "/weights", padding=text("SAME"), data_format=text("NHWC"),
         strides={"list": {"i": ["1", str(stride), str(stride), "1"]}})
    size, ins, outs = len(w), len(w[0][0]), len(biases)
    scales = scales or [1.0] * outs
    if depthwise:
        shape = [1, size, size, ins]
        values = [w[y][x][c][0] * scales[c] for y in range(size)
                  for x in range(size) for c in range(ins)]
    else:
        shape = [outs, size, size, ins]
        values = [w[y][x][c][o] * scales[o] for o in range(outs)
                  for y in range(size) for x in range(size)
                  for c in range(ins)]
    options = [Named(name + " padding", ("b", 0)),
               Named(name + " stride", ("i", stride)), ("i", stride)] + \
        ([("i", 1)] if depthwise else []) + \
        [Named(name + " activation", ("b", 3 if relu6 else 0)),
         Named(name + " dilation", ("i", 1))]
    figures = run_convolution(source.figures, w, stride, depthwise)
    return figures, operate(
        DEPTHWISE if depthwise else CONV_2D,
        [source.tensor, constant(name + "/weights", shape, values, half),
         constant(name + "/biases", [outs], biases, half)],
        tensor(name, shape_of(figures)), options)


SIDE, CLASSES = 7, 3
photo = Place("photo", tensor("photo", [1, SIDE, SIDE, 3]),
              numbers(SIDE, SIDE, 3, low=-9.0, high=9.0))     # beyond 6
node("photo", "Placeholder")

# a convolution with FusedBatchNorm; padding is odd, so not the same both ways
w = weight("first/weights", 3, 3, 3, 4)
gamma, beta = weight("gamma", 4), weight("beta", 4)
mean, variance = weight("mean", 4), weight("variance", 4, low=0.5, high=2.0)
by = [g / math.sqrt(v + 0.001) for g, v in zip(gamma, variance)]
x, made = layer("first", photo, w,
                [b - m * s for b, m, s in zip(beta, mean, by)], 2, relu6=True,
                scales=by)
node("norm", "FusedBatchNorm", "first", "gamma", "beta", "mean", "variance",
     epsilon={"f": 0.001})
node("first/Relu6", "Relu6", "norm")
first = Place("first/Relu6", made, relu6(by_channel(
    x, lambda v, c: (v - mean[c]) * gamma[c] / math.sqrt(variance[c] + 0.001)
    + beta[c])))

# a depthwise one with scale and shift apart, as an optimiser leaves them
w = weight("deep/weights", 3, 3, 4, 1)
scale, shift = weight("scale", 4), weight("shift", 4)
x, made = layer("deep", first, w, shift, 1, depthwise=True, relu6=True,
                scales=scale)
node("deep/mul", "Mul", "deep", "scale")
node("deep/add", "Add", "deep/mul", "shift")
node("deep/Relu6", "Relu6", "deep/add")
deep = Place("deep/Relu6", made,
             relu6(by_channel(x, lambda v, c: v * scale[c] + shift[c])))

# back to the block's begin: its bias stands outside of the sum
w = weight("project/weights", 1, 1, 4, 4)
bias = weight("bias", 4)
x, made = layer("project", deep, w, bias, 1, half=True)
node("sum", "AddN", "project", "first/Relu6:0")
node("sum/bias", "Add", "bias", "sum")
total = Place(
    "sum/bias", operate(ADD, [made, first.tensor],
                        tensor("sum", shape_of(x)),
                        [Named("sum activation", ("b", 0))]),
    [[[v + bias[c] + b for c, (v, b) in enumerate(zip(p, q))]
      for p, q in zip(row, other)] for row, other in zip(x, first.figures)])

# two heads of different sizes: one, and two boxes
outputs, parts = [], []
for name, boxes, stride in (("head0", 1, 2), ("head1", 2, 1)):
    w = weight(name + "/weights", 3, 3, 4, CLASSES * boxes)
    b = weight(name + "/biases", CLASSES * boxes)
    x, made = layer(name, total, w, b, stride, half=True)
    node(name + "/BiasAdd", "BiasAdd", name, name + "/biases")
    node(name + "/Reshape", "Reshape", name + "/BiasAdd", "shape")
    outputs.append(by_channel(x, lambda v, c: v + b[c]))
    shape = [1, len(flat(x)) // CLASSES, CLASSES]
    parts.append(operate(RESHAPE, [made], tensor(name + "/Reshape", shape),
                         [Vector(shape)]))
node("joined", "ConcatV2", "head0/Reshape", "head1/Reshape", "axis")
# something for boxes, which no label needs
shape = [1, len(flat(total.figures))]
where = operate(RESHAPE, [total.tensor], tensor("where", shape),
                [Vector(shape)])
joined = operate(CONCATENATION, parts, tensor(
    "joined", [1, len(flat(outputs)) // CLASSES, CLASSES]), [("i", 1)])

model = {"modelTopology": {"node": nodes}, "weightsManifest": [{
    "paths": ["shard"], "weights": [
        {"name": name, "shape": shape, "dtype": "float32"}
        for name, shape, _ in weights]}]}
lite_model = Flat([
    ("I", 3), Vector([[Named(f"code {code}", ("b", code)), None, ("i", 1),
                       ("i", code)] for code in codes]),
    Vector([[tensors, Vector([photo.tensor]), Vector([where, joined]),
             operators]]),
    "made by network_table.py", buffers])


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
               f"#define NETWORK_SIDE {SIDE}u\n"
               f"#define NETWORK_CLASSES {CLASSES}u\n\n"
               "static const char network_json[] =\n")
    for i in range(0, len(document), 60):
        part = document[i:i + 60].replace("\\", "\\\\").replace('"', '\\"')
        file.write(f'\t"{part}"\n')
    file.write("\t;\n\n")
    file.write(array("float", "network_weights",
                     floats([value for _, _, value in weights])))
    file.write(array("unsigned char", "network_tflite",
                     [str(byte) for byte in lite_model.bytes]))
    file.write("/* Where in it the fields are. */\n"
               "static const struct {\n\tconst char *name;\n"
               "\tunsigned at;\n} network_tflite_places[] = {\n")
    for name, at in lite_model.places.items():
        file.write(f'\t{{ "{name}", {at} }},\n')
    file.write("};\n")
    file.write(array("float", "network_photo", floats(photo.figures)))
    for i, output in enumerate(outputs):
        file.write(array("float", f"network_output_{i}", floats(output)))
    file.write("\n#endif\n")
