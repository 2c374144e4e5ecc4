"""What an expert would write in onnxruntime without elman: whole steps in one graph, with the sampling, and no copies between.

    h = tanh(embedding[character] + W h)        p = softmax(logits / temperature)        the first whose sum of p exceeds u

One uniform number a row and step, as in LAW.md. The graph is float32, or int8 as onnxruntime's own `quantize_dynamic` makes it;
it holds one step, or several in a row. Two sets of buffers take turns as its input and its output. It knows nothing of elman.
"""

import tempfile
from collections.abc import Iterator
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import plain_loop
from numpy.typing import NDArray

# By name, so that the types are the same with and without the dependency group `benchmarks`.
onnx: Any = import_module("onnx")
onnx_parser: Any = import_module("onnx.parser")
onnxruntime: Any = import_module("onnxruntime")
quantization: Any = import_module("onnxruntime.quantization")

HEAD = '<ir_version: 9, opset_import: ["" : 18]>'


class OnnxLoop:
    """The network of the plain loop, for a fixed number of rows that keep their hidden state from call to call."""

    def __init__(self, plain: plain_loop.CharacterRnn, rows: int, steps_per_call: int, is_int8: bool) -> None:
        model = float_model(plain, rows, steps_per_call)
        self._session = session(quantized(model) if is_int8 else model)
        self._uniform = tensor(np.zeros((steps_per_call, rows, 1), np.float32))
        self._drawn = tensor(np.zeros(steps_per_call * rows, np.int64))
        buffers = [self._buffers(plain, rows) for _ in range(2)]
        bindings = (self._bind(before, after) for before, after in (buffers, reversed(buffers)))
        self._bindings = cycle(bindings)
        self._steps_per_call, self._rows = steps_per_call, rows
        self._random = np.random.default_rng(1)

    def _buffers(self, plain: plain_loop.CharacterRnn, rows: int) -> list[Any]:
        """The characters and the hidden state of each layer."""
        hidden = [tensor(np.zeros((rows, plain.rnn.hidden_size), np.float32)) for _ in range(plain.rnn.num_layers)]
        return [tensor(np.zeros(rows, np.int64)), *hidden]

    def _bind(self, before: list[Any], after: list[Any]) -> Any:
        """Memory for every input and output of the graph."""
        binding = self._session.io_binding()
        binding.bind_ortvalue_input("uniform", self._uniform)
        binding.bind_ortvalue_output("drawn", self._drawn)
        names = ["character", *(f"h{layer}" for layer in range(len(before) - 1))]
        for name, old, new in zip(names, before, after, strict=True):
            binding.bind_ortvalue_input(f"{name}_0", old)
            binding.bind_ortvalue_output(f"{name}_end", new)
        return binding

    def generate(self, steps: int) -> NDArray[np.int64]:
        """Draw `steps` characters for every row, (steps, rows)."""
        calls = steps // self._steps_per_call
        uniform = self._random.random((calls, self._steps_per_call, self._rows, 1), np.float32)
        return np.concatenate([self._call(numbers) for numbers in uniform]).reshape(steps, self._rows)

    def _call(self, uniform: NDArray[np.float32]) -> NDArray[np.int64]:
        self._uniform.update_inplace(uniform)
        self._session.run_with_iobinding(next(self._bindings))
        return self._drawn.numpy().copy()


def tensor(values: NDArray[Any]) -> Any:
    """A buffer of onnxruntime's own."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(values)


def session(model: Any) -> Any:
    """The graph, optimised by onnxruntime, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def quantized(model: Any) -> Any:
    """Its products in int8, the inputs quantised as they come; the sums of probabilities stay as they are."""
    sums = [node.name for node in model.graph.node if node.name.startswith("sums_")]
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})  # else it advises that, at length
        onnx.save(model, before)
        quantization.quantize_dynamic(before, after, weight_type=quantization.QuantType.QInt8, nodes_to_exclude=sums)
        return onnx.load(after)


def float_model(plain: plain_loop.CharacterRnn, rows: int, steps: int, temperature: float = 0.8) -> Any:
    """This many steps as an ONNX model, every node named for its first output."""
    layers, size = plain.rnn.num_layers, plain.rnn.hidden_size
    hidden = [f"float[{rows}, {size}] h{layer}" for layer in range(layers)]
    inputs = [f"int64[{rows}] character_0", f"float[{steps}, {rows}, 1] uniform", *(f"{one}_0" for one in hidden)]
    outputs = [f"int64[{steps * rows}] drawn", f"int64[{rows}] character_end", *(f"{one}_end" for one in hidden)]
    nodes = [line for step in range(steps) for line in step_nodes(step, layers)]
    body = "\n".join([split(steps), *nodes, *end(steps, layers)])
    model = onnx_parser.parse_model(f"{HEAD}\nsteps ({', '.join(inputs)}) => ({', '.join(outputs)}) {{\n{body}\n}}")
    for node in model.graph.node:
        node.name = node.output[0]
    tensors = weights(plain, temperature).items()
    model.graph.initializer.extend(onnx.numpy_helper.from_array(values, name) for name, values in tensors)
    return model


def split(steps: int) -> str:
    """The uniform numbers of each step: (1, rows, 1)."""
    names = ", ".join(f"uniform_{step}" for step in range(steps))
    return f"{names} = Split<axis = 0, num_outputs = {steps}>(uniform)"


def step_nodes(step: int, layers: int) -> Iterator[str]:
    """One step: character_{step} and h{layer}_{step} -> the same of step + 1."""
    yield f"below0_{step} = Gather(embedding, character_{step})"
    for layer in range(layers):
        if layer:
            yield f"input{layer}_{step} = MatMul(h{layer - 1}_{step + 1}, U{layer})"
            yield f"below{layer}_{step} = Add(input{layer}_{step}, b{layer})"
        yield f"recurrent{layer}_{step} = MatMul(h{layer}_{step}, W{layer})"
        yield f"a{layer}_{step} = Add(recurrent{layer}_{step}, below{layer}_{step})"
        yield f"h{layer}_{step + 1} = Tanh(a{layer}_{step})"
    yield f"output_{step} = MatMul(h{layers - 1}_{step + 1}, V)"
    yield f"logits_{step} = Add(output_{step}, c)"
    yield f"p_{step} = Softmax<axis = 1>(logits_{step})"
    yield f"sums_{step} = MatMul(p_{step}, triangle)"  # faster than CumSum
    yield f"u_{step} = Squeeze(uniform_{step}, zero)"
    yield f"is_above_{step} = Greater(sums_{step}, u_{step})"
    yield f"above_{step} = Cast<to = 1>(is_above_{step})"
    yield f"character_{step + 1} = ArgMax<axis = 1, keepdims = 0>(above_{step})"


def end(steps: int, layers: int) -> Iterator[str]:
    """What the steps drew, one after another, and what the next call begins with."""
    yield f"drawn = Concat<axis = 0>({', '.join(f'character_{step + 1}' for step in range(steps))})"
    for name in ("character", *(f"h{layer}" for layer in range(layers))):
        yield f"{name}_end = Identity({name}_{steps})"


def weights(plain: plain_loop.CharacterRnn, temperature: float) -> dict[str, NDArray[Any]]:
    """The network's weights, transposed, with the biases summed up and the temperature in the output layer."""
    found: dict[str, NDArray[Any]] = {name: value.detach().numpy() for name, value in plain.named_parameters()}
    bias = [found[f"rnn.bias_ih_l{layer}"] + found[f"rnn.bias_hh_l{layer}"] for layer in range(plain.rnn.num_layers)]
    tensors: dict[str, NDArray[Any]] = {
        "embedding": found["rnn.weight_ih_l0"].T + bias[0],
        "V": found["output.weight"].T / np.float32(temperature),
        "c": found["output.bias"] / np.float32(temperature),
        "triangle": np.triu(np.ones((plain.characters, plain.characters), np.float32)),
        "zero": np.zeros(1, np.int64),
    }
    for layer in range(plain.rnn.num_layers):
        tensors[f"W{layer}"] = found[f"rnn.weight_hh_l{layer}"].T
        if layer:
            tensors |= {f"U{layer}": found[f"rnn.weight_ih_l{layer}"].T, f"b{layer}": bias[layer]}
    return {name: np.ascontiguousarray(values) for name, values in tensors.items()}
