# The Face API and its pages in a container:
#
#   docker build -t faces .
#   openssl rand -hex 16 > face_api.key && chmod 444 face_api.key
#   docker run --init -p 127.0.0.1:5000:5000 -v faces:/app/output \
#       -v "$PWD/face_api.key:/run/secrets/face_api_key:ro" faces
#
# More options of faces serve go to the end of that line; another port is -e FACES_PORT=8080. With PostgreSQL:
# deploy/compose.yaml. How to run it well: docs/serving.md
FROM python:3.11-slim

# What OpenCV is linked with
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

ENV FACES_HOME=/opt/faces \
    FACES_PORT=5000 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY faces/ faces/
COPY deploy/health_check.py deploy/
RUN pip install --no-cache-dir ".[server]"

# The models are fetched and converted here, once, so that the container need not do it. Its data is in output/.
RUN faces download-models built-in \
    && python -c "from faces.pipeline import Pipeline; Pipeline.load()" \
    && chmod -R a+rX /opt/faces \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin faces \
    && install -d -o faces -g faces -m 700 output
USER faces
VOLUME /app/output

EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "deploy/health_check.py"]
STOPSIGNAL SIGTERM
# The shell knows the port; what follows the name of the image becomes "$@".
ENTRYPOINT ["/bin/sh", "-c", "exec faces serve --host 0.0.0.0 --port \"$FACES_PORT\" --key-file /run/secrets/face_api_key --log json \"$@\"", "faces"]
