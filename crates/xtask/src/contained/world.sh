# A world to throw away: the machine read-only, its homes and scratch folders empty, no network, no rights.
# world.sh BINARY STUBS COMMAND MODE SECONDS PROFILE [FLAGS], started in namespaces of its own.
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/bin
cp "$1" /mnt/bin/ringfence
cp "$3" /mnt/command
cp "$2" /mnt/bin/.stub
for name in pip pip3 npm pnpm yarn bun npx bunx pnpx uv uvx poetry pipx cargo go gem bundle mvn gradle composer \
  curl wget git gh docker kubectl helm terraform aws gcloud; do
  ln -s .stub "/mnt/bin/$name"
done
chmod -R a+rX /mnt
for folder in /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$folder"; done
for folder in /home /root /work /srv /media /opt; do
  if [ -d "$folder" ]; then mount -t tmpfs -o mode=755 tmpfs "$folder"; fi
done
mkdir -p /home/u/proj/src /home/u/proj/tests /home/u/proj/.venv/bin /home/u/proj/.venv/lib/site-packages
cd /home/u/proj
printf 'one\ntwo\nthree\n' | tee README.md file.txt file file1 file2 input.txt data.txt test.txt > /dev/null
printf 'a,b\n1,2\n' > data.csv
printf '{"name": "proj", "version": "1.0.0", "scripts": {"test": "true", "build": "true"}}\n' > package.json
printf 'all test build:\n\ttrue\n' > Makefile
printf 'print("hello")\n' | tee main.py script.py setup.py src/app.py tests/test_app.py > /dev/null
printf '#!/bin/sh\necho hello\n' | tee run.sh script.sh test.sh build.sh > /dev/null
chmod +x ./*.sh
chown -R 65534:65534 /home/u
mount -o remount,bind,ro /
person() {
  exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --no-new-privs \
    env -i HOME=/home/u VIRTUAL_ENV=/home/u/proj/.venv USER=u LOGNAME=u SHELL=/bin/bash LANG=C.UTF-8 GIT_TERMINAL_PROMPT=0 \
    GIT_AUTHOR_NAME=u GIT_AUTHOR_EMAIL=u@example.org GIT_COMMITTER_NAME=u GIT_COMMITTER_EMAIL=u@example.org \
    PATH=/mnt/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin timeout "$@"
}
cat > /tmp/prepare <<'PREPARE'
/usr/bin/git init -q . && /usr/bin/git add -A && /usr/bin/git commit -qm begin
PREPARE
(person 10 bash /tmp/prepare) > /dev/null 2>&1 || true
rm -f /tmp/prepare
if [ "$4" = inside ]; then
  person "$5" /mnt/bin/ringfence run --profile "$6" "${@:7}" -- bash /mnt/command
else
  person "$5" bash /mnt/command
fi
