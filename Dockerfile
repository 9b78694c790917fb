# Not built where it was written: no Docker daemon runs there. CPU only, not root, as a server or as the command line:
#   docker build -t depth3d .                      --build-arg PIP_ARGS="..." passes options to pip, such as torch's CPU build
#   docker run --rm -p 127.0.0.1:7860:7860 depth3d
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" depth3d export photo.jpg -o photo.glb
FROM python:3.11-slim
ARG PIP_ARGS=""
COPY . /src
RUN pip install --no-cache-dir --constraint /src/constraints.txt $PIP_ARGS '/src[fast,formats,hf,video,web]' \
 && rm -rf /src \
 && useradd --create-home --uid 1000 depth3d \
 && mkdir --mode 1777 /data /cache
ENV DEPTH3D_CACHE=/cache
USER depth3d
WORKDIR /data
EXPOSE 7860
ENTRYPOINT ["depth3d"]
CMD ["serve", "--host", "0.0.0.0"]
