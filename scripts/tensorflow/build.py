"""Downloads TensorFlow's wheels, unpacks what the binding needs and compiles tfjs-node's two C++ files against it.

Run by scripts/build-tensorflow, which first checks the requirements. Needs Python 3.8 and only its standard library.
The finished directory is renamed to --built, so it is either complete or absent; a lock makes a second builder wait.
It is laid out like site-packages, because TensorFlow's libraries search for CUDA's libraries under ../nvidia:

    tensorflow/{tfjs_binding.node, libtensorflow_cc.*, libtensorflow_framework.*}   nvidia/<part>/lib/*.so   (cuda only)
"""

import argparse
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# What the two C++ files include, directly or indirectly: TensorFlow's C interface and its string type.
HEADERS = "tensorflow/include/"
NEEDED_HEADERS = re.compile(r"tensorflow/include/(tensorflow/c/|(tensorflow/core|tsl)/platform/ctstring|xla/tsl/)")
LIBRARIES = re.compile(r"tensorflow/libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$")
# Libraries, and the assembler and device code that XLA looks for when auto-jit is on.
CUDA = re.compile(r"nvidia/(\w+/lib/.*\.so[.\d]*|cuda_nvcc/(bin/ptxas|nvvm/libdevice/.*))$")


class Failure(Exception):
    """What went wrong and how to fix it, for the user who ran the script."""

    def __init__(self, what, hint):
        super().__init__(what)
        self.hint = hint


def say(text):
    print(f"build-tensorflow: {text}", file=sys.stderr, flush=True)


def run(command, what, hint):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.strip().splitlines()[-15:])
        raise Failure(f"{what}:\n{tail}", hint)
    return result.stdout


def download(wheels, target):
    """Downloads the wheels in a requirements file; pip checks their hashes. They need not match this Python version."""
    size = wheels.read_text().splitlines()[0].lstrip("# ")
    say(f"downloading TensorFlow ({size})")
    run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
        + ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--require-hashes"]
        + ["--dest", str(target), "--requirement", str(wheels)],
        "pip could not download TensorFlow",
        "If pip found no matching distribution: python3 -m pip install --upgrade pip (20.3 or later is needed), and on "
        "Linux use a system with glibc 2.27 or later. Otherwise check the network and disk space, and run this again.",
    )
    return sorted(target.glob("*.whl"))


def unpack(wheel, target):
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if any(pattern.match(info.filename) for pattern in (LIBRARIES, NEEDED_HEADERS, CUDA)):
                path = archive.extract(info, target)
                os.chmod(path, info.external_attr >> 16 & 0o777 | 0o644)
    wheel.unlink()


def compile_binding(arguments, target):
    """Links against the two libraries by path; the loader finds them next to the binding ($ORIGIN, @loader_path)."""
    folder = target / "tensorflow"
    libraries = [str(path) for path in sorted(folder.glob("libtensorflow_*"))]
    if len(libraries) != 2:
        raise Failure("the wheel does not contain the two expected libraries", "See docs/tensorflow.md, Upgrading.")
    if sys.platform == "darwin":
        shared = ["-bundle", "-undefined", "dynamic_lookup", "-Wl,-rpath,@loader_path"]
    else:
        shared = ["-shared", "-Wl,-rpath,$ORIGIN"]
    say("compiling the binding")
    run(
        [*shlex.split(arguments.compiler), "-O2", "-std=c++17", "-fPIC", "-DNAPI_VERSION=8", *shared]
        + ["-I", arguments.headers, "-I", str(target / HEADERS)]
        + [str(Path(arguments.package, "binding", name)) for name in ("tfjs_backend.cc", "tfjs_binding.cc")]
        + [*libraries, "-o", str(folder / "tfjs_binding.node")],
        "the C++ compiler failed",
        "A compiler that supports C++17 is needed (g++ 8, clang 7 or later). Set CXX to choose another one.",
    )
    shutil.rmtree(target / HEADERS)


def check(arguments, target):
    """Loads the binding in a new process, so that only a binding that works on this machine gets into the cache."""
    script = "console.log(JSON.stringify(require(process.argv[1]).TF_Version))"
    out = run(
        ["node", "-e", script, str(target / "tensorflow" / "tfjs_binding.node")],
        "the new binding does not load",
        "The message above is the system loader's; docs/tensorflow.md lists what each variant needs.",
    )
    version = json.loads(out.strip().splitlines()[-1])
    if f"=={version} " not in Path(arguments.wheels).read_text():
        raise Failure(f"the new binding loads TensorFlow {version}", "See docs/tensorflow.md, Upgrading.")


def build(arguments):
    built = Path(arguments.built)
    # The lock is exclusive, so older work directories are leftovers from interrupted builds.
    for left in built.parent.glob(f".{built.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{built.name}.", dir=built.parent) as work:
        target = Path(work, "new")
        for wheel in download(Path(arguments.wheels), Path(work, "wheels")):
            unpack(wheel, target)
        compile_binding(arguments, target)
        check(arguments, target)
        if built.exists():
            built.rename(Path(work, "old"))
        target.rename(built)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("wheels", "package", "headers", "compiler", "built"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--force", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with open(f"{arguments.built}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if arguments.force or not Path(arguments.built, "tensorflow", "tfjs_binding.node").exists():
            build(arguments)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failure, OSError) as failure:
        hint = getattr(failure, "hint", "Free some disk space or set CRYFOLD_CACHE to another directory, and run this again.")
        print(f"build-tensorflow: {failure}\n  {hint}", file=sys.stderr)
        sys.exit(1)
