# SPDX-License-Identifier: MIT
"""check.py CASE SHA256

Computes with the PyTorch of this interpreter on the GPU and compares with the same PyTorch on the processor. SHA256 is that of the MIOpen
that is to be verified: a wheel brings one of its own. Says `device:`, `run:`, then `right:`, `wrong:` or `refused:`, each at once.
"""

import hashlib
import os
import sys


def say(line):
    print(line, flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: check.py CASE SHA256", file=sys.stderr)
        return 2
    case, wanted = sys.argv[1:]
    try:
        import torch
    except Exception as error:  # Whatever an import of that size can raise.
        say(f"refused: PyTorch: {error}")
        return 1
    if not torch.version.hip:
        say("nothing: this PyTorch is not built for ROCm")
        return 77
    if not torch.cuda.is_available():
        say("refused: device: PyTorch finds no GPU")
        return 3
    properties = torch.cuda.get_device_properties(0)
    say(f"device: {getattr(properties, 'gcnArchName', '?')} | {properties.name} | {properties.multi_processor_count} compute units")

    torch.manual_seed(1)
    # Small multiples of 1/8: sums of them are exact in fp32 in any order.
    values = lambda *shape: torch.randint(-8, 9, shape).float() / 8
    good = True

    def compare(what, compute, *inputs):
        nonlocal good
        say(f"run: {what}")
        on_cpu = [one.clone().requires_grad_() for one in inputs]
        on_gpu = [one.clone().cuda().requires_grad_() for one in inputs]
        try:
            expected, got = compute(*on_cpu), compute(*on_gpu)
            expected.sum().backward()
            got.sum().backward()
            torch.cuda.synchronize()
            pairs = [(expected, got)] + [(one.grad, other.grad) for one, other in zip(on_cpu, on_gpu)]
            error = max(float((one - other.cpu()).abs().max()) for one, other in pairs)
            scale = max(1.0, max(float(one.abs().max()) for one, _ in pairs))
        except RuntimeError as problem:
            good = False
            say(f"refused: {what}: {str(problem).splitlines()[0]}")
            return
        # Winograd transforms lose some bits; fp32 has 24.
        tolerance = scale * 2.0**-14
        # Not a number is not right either.
        if error <= tolerance:
            say(f"right: {what}: largest error {error:g} of {tolerance:g}, with gradients")
        else:
            good = False
            say(f"wrong: {what}: largest error {error:g}, {tolerance:g} is allowed")

    if case == "crash":
        compare("Conv2d(1, 32, (64, 1))", torch.nn.functional.conv2d, values(16, 1, 64, 256), values(32, 1, 64, 1))
    elif case.startswith("square-"):
        size = int(case.split("-")[1])
        convolution = lambda x, w: torch.nn.functional.conv2d(x, w, padding=1)
        compare(f"Conv2d(16, 32, 3) on {size}x{size}", convolution, values(1, 16, size, size), values(32, 16, 3, 3))
    elif case == "linear":
        compare("Linear(128, 64)", torch.nn.functional.linear, values(16, 128), values(64, 128))
    elif case == "batch-norm":
        norm = lambda x, w: torch.nn.functional.batch_norm(x, None, None, w, training=True)
        compare("BatchNorm2d, training", norm, values(16, 8, 14, 14), values(8))
    else:
        print(f"there is no case {case}", file=sys.stderr)
        return 2

    say("run: MIOpen")
    with open("/proc/self/maps") as maps:
        mapped = sorted({line.split()[-1] for line in maps if "libMIOpen" in line})
    digest = hashlib.sha256()
    for path in mapped[:1]:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    if not mapped:
        say("right: MIOpen: none is mapped, nothing here needed it")
    elif len(mapped) == 1 and digest.hexdigest() == wanted:
        say(f"right: MIOpen: {mapped[0]} is the one that is verified")
    else:
        good = False
        say(f"wrong: MIOpen: {' and '.join(mapped)} is another than the one that is verified: rdna-build install --into-venv")
    return 0 if good else 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Without the interpreter's clean-up, which may wait for a device that is gone.
    os._exit(code)
