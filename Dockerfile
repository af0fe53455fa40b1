# mmbench on a CPU:
#     docker build -t mmbench .
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" mmbench run --profile smoke --methods prior
# and on a GPU, from an image that has torch with CUDA:
#     docker build -t mmbench-cuda --build-arg BASE=pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime .
#     docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/work" mmbench-cuda run
ARG BASE=python:3.12-slim-bookworm
# hadolint ignore=DL3006
FROM ${BASE}

# An index of torch's wheels for CPUs alone makes the image some gigabytes smaller.
ARG TORCH_INDEX=""
# hadolint ignore=DL3013
RUN if [ -n "$TORCH_INDEX" ]; then pip install --no-cache-dir --index-url "$TORCH_INDEX" torch torchvision; fi

WORKDIR /opt/mmbench
COPY pyproject.toml README.md LICENSE CITATION.cff ./
COPY mmbench mmbench
COPY methods methods
COPY datasets datasets
COPY reports reports
# Whoever it runs as may write caches into the home folder.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir '.[diffusion]' \
    && useradd --uid 10001 --create-home mmbench \
    && chmod 1777 /home/mmbench

ENV HOME=/home/mmbench
USER 10001
WORKDIR /work
ENTRYPOINT ["mmbench"]
CMD ["--help"]
