"""Serves a model file with a real llama.cpp: prints its URL, ends with its standard input.

python -m tiny_model.serve MODEL.gguf
"""

import sys

from xllamacpp import (  # type: ignore[import-untyped]  # it ships no types
    CommonParams,
    Server,
)


def main() -> None:
    parameters = CommonParams()
    parameters.model.path = sys.argv[1]
    parameters.n_ctx = 4096
    parameters.n_parallel = 2
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    parameters.use_jinja = True
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    server = Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
