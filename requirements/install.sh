#!/usr/bin/env bash
# Fill a virtual environment in the order that works; `make env` calls this.
#   requirements/install.sh VENV
# Environment: PYTHON, TORCH_SPEC, TORCH_INDEX, CPU_ONLY, PIP_ARGS (docs/install.md).
set -euo pipefail

venv=$1
python=${PYTHON:-python3}
torch_spec=${TORCH_SPEC:-torch==2.13.0}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
read -r -a pip_args <<<"${PIP_ARGS:-}"

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'make env: %s\n' "$*" >&2; exit 1; }

pip_install() {
    "$venv/bin/python" -m pip install --disable-pip-version-check \
        --constraint "$here/constraints.txt" "${pip_args[@]}" "$@"
}

has_gpu() {
    [ -z "${CPU_ONLY:-}" ] && command -v nvidia-smi >/dev/null \
        && nvidia-smi -L 2>/dev/null | grep -q GPU
}

check_python() {
    command -v "$python" >/dev/null \
        || fail "there is no '$python': name a Python 3.10 to 3.12 with" \
                "PYTHON=/path/to/python3."
    "$python" -c 'import sys
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
        || fail "mmmultas runs on Python 3.10 to 3.12, but $python is" \
                "$("$python" -V): name another with PYTHON=/path/to/python3."
}

make_venv() {
    [ -x "$venv/bin/python" ] && return
    say "Virtual environment in $venv"
    "$python" -m venv "$venv" \
        || fail "$python cannot make virtual environments: install the" \
                "'venv' package of your system (python3-venv on Debian)."
}

install_torch() {
    if "$venv/bin/python" -c 'import torch' 2>/dev/null; then
        return
    fi
    say "PyTorch ($torch_spec)"
    local -a index=()
    if [ -n "${TORCH_INDEX:-}" ]; then
        index=(--index-url "$TORCH_INDEX")
    elif has_gpu; then
        echo 'A CUDA device is here: taking the default build, with CUDA.'
    else
        echo 'No CUDA device: TORCH_INDEX=URL of a CPU index saves gigabytes.'
    fi
    pip_install "${index[@]}" "$torch_spec"
}

# One line every half minute, with the count of compiled files where ninja
# writes lines like "[12/149] g++ ..."; all of the output goes to the log.
show_progress() {
    local line count='' said=$SECONDS start=$SECONDS status spent
    while :; do
        status=0
        IFS= read -r -t 5 line || status=$?
        if [ "$status" -eq 0 ]; then
            printf '%s\n' "$line" >>"$1"
            if [[ $line =~ ^[[:space:]]*\[([0-9]+/[0-9]+)\] ]]; then
                count=", file ${BASH_REMATCH[1]}"
            fi
        elif [ "$status" -le 128 ]; then
            break  # the end, not the five seconds
        else
            printf '%s' "$line" >>"$1"
        fi
        if [ $((SECONDS - said)) -ge 30 ]; then
            said=$SECONDS
            spent=$((said - start))
            printf '  compiling for %d:%02d min%s\n' $((spent / 60)) \
                $((spent % 60)) "$count"
        fi
    done
}

explain_failed_build() {
    tail -n 25 "$1" >&2
    local include
    include=$("$venv/bin/python" -c \
        'import sysconfig; print(sysconfig.get_path("include"))')
    [ -e "$include/Python.h" ] \
        || fail "the operators need Python's headers ($include/Python.h):" \
                "install them (python3-dev on Debian) and run again."
    command -v "${CXX:-g++}" >/dev/null \
        || fail "the operators need a C++ compiler: install g++."
    if has_gpu && ! command -v nvcc >/dev/null \
            && ! [ -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; then
        fail "there is a GPU but no nvcc to compile the operators for it:" \
             "install the CUDA toolkit of torch's version" \
             "($("$venv/bin/python" -c 'import torch
print(torch.version.cuda)')) or run 'make env CPU_ONLY=1'."
    fi
    fail "the operators of mmcv did not compile; all of the output is in $1."
}

install_operators() {
    if "$venv/bin/python" -c 'import mmcv._ext' 2>/dev/null; then
        return
    fi
    say 'Operators of mmcv: compiled from source, about ten minutes on two cores'
    pip_install 'setuptools>=77,<81' wheel ninja psutil
    local log="$venv/mmcv-build.log"
    : >"$log"
    if ! has_gpu; then
        export CUDA_VISIBLE_DEVICES=
    fi
    pip_install --verbose --no-build-isolation \
        "$(grep '^onedl-mmcv' "$here/onedl.txt")" 2>&1 \
        | show_progress "$log" || explain_failed_build "$log"
    "$venv/bin/python" -c 'import mmcv.ops' 2>>"$log" \
        || explain_failed_build "$log"
}

install_rest() {
    say 'MMEngine, MMDetection, MMSegmentation and tools'
    pip_install -r "$here/runtime.txt" -r "$here/onedl.txt" \
        -r "$here/demo.txt" -r "$here/analysis.txt" -r "$here/dev.txt"
    pip_install --no-build-isolation --no-deps --editable "$root"
}

# opencv-python, which the families ask for, overwrites the headless package
# and needs libGL; so the headless one comes last.
install_headless_opencv() {
    if "$venv/bin/python" -m pip show -qq opencv-python 2>/dev/null; then
        say 'OpenCV without windows'
        "$venv/bin/python" -m pip uninstall --yes opencv-python
        pip_install --force-reinstall --no-deps opencv-python-headless
    fi
    "$venv/bin/python" -c 'import cv2' \
        || fail 'OpenCV cannot be imported.'
}

check_result() {
    "$venv/bin/python" -c '
import importlib.util, mmdet.models, mmseg.models, mmmultas, torch
cuda = "with CUDA" if torch.cuda.is_available() else "on the CPU"
print(f"\nReady: mmmultas {mmmultas.__version__}, torch {torch.__version__} {cuda}")
if importlib.util.find_spec("torchvision"):
    print("Remove torchvision: beside a CPU build it stops every run.")' 2>/dev/null \
        || fail "the packages do not import: $venv/bin/python -c" \
                "'import mmdet.models, mmseg.models' shows why."
    if has_gpu && ! "$venv/bin/python" -c 'import sys, torch
sys.exit(not torch.cuda.is_available())'; then
        echo 'There is a GPU, but this torch cannot use it: remove' \
            "$venv and choose TORCH_SPEC and TORCH_INDEX."
    fi
}

check_python
make_venv
install_torch
install_operators
install_rest
install_headless_opencv
check_result
