#!/usr/bin/env bash
# Take out of an environment of Python what no tool of crekit reads when it runs: a quarter of its size.
# trim.sh ENVIRONMENT
set -euo pipefail
shopt -s nullglob
packages=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
cd "$packages"

# The libraries' own tests. gensim.test stays: gensim's modules import from it; only its data go.
for package in llvmlite matplotlib numba numpy pandas scipy sklearn sympy torch networkx; do
    find "$package" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
done
rm -rf gensim/test/test_data pybedtools/test sympy/*/benchmarks

# Headers, sources and programs for extending libraries in C. torch_shm_manager, which shares tensors between
# processes, stays.
rm -rf torch/include torch/share
find torch/bin -type f ! -name torch_shm_manager -delete
find . -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' -o -name '*.pyx' -o -name '*.pxd' \
    -o -name '*.a' \) -delete

# Of pyjaspar's releases of JASPAR, the newest is the one that is read.
releases=(pyjaspar/data/JASPAR*.sqlite)
test "${#releases[@]}" -gt 0 && unset 'releases[-1]'
rm -f "${releases[@]}"

# Symbols for debuggers, of which the filters of hdf5plugin and igraph are mostly made.
find hdf5plugin igraph* leidenalg* -name '*.so*' -type f -exec strip --strip-debug {} +
