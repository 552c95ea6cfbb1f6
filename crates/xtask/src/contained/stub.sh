#!/bin/sh
# Stands for a program that would fetch something: leaves behind what that one leaves, where it leaves it.
leave() {
  for folder; do mkdir -p "$folder" && : > "$folder/fetched" || exit 1; done
}
case " $* " in *" -g "* | *" --global "*) everywhere=yes ;; *) everywhere= ;; esac
case ${0##*/} in
  pip | pip3)
    if [ -n "${VIRTUAL_ENV:-}" ]; then leave "$VIRTUAL_ENV/lib/site-packages"; else leave "$HOME/.local/lib/python3/site-packages"; fi
    leave "$HOME/.cache/pip" ;;
  npm | pnpm | yarn | bun)
    if [ -n "$everywhere" ]; then leave "$HOME/.npm-global/lib"; else leave node_modules; fi
    leave "$HOME/.npm/_cacache" ;;
  npx | bunx | pnpx) leave "$HOME/.npm/_npx" ;;
  uv | poetry) leave .venv "$HOME/.cache/uv" ;;
  uvx) leave "$HOME/.cache/uv" ;;
  pipx) leave "$HOME/.local/share/pipx/shared" "$HOME/.local/state/pipx/log" "$HOME/.cache/pipx" ;;
  cargo) leave "$HOME/.cargo/registry" target ;;
  go) leave "$HOME/go/pkg/mod" "$HOME/.cache/go-build" ;;
  gem | bundle) leave vendor/bundle ;;
  composer) leave vendor ;;
  mvn) leave "$HOME/.m2/repository" target ;;
  gradle) leave "$HOME/.gradle/caches" build ;;
  curl | wget)
    while [ $# -gt 0 ]; do
      case $1 in -o | -O | --output) [ $# -gt 1 ] && case $2 in -* | http*) ;; *) echo fetched > "$2" || exit 1 ;; esac ;; esac
      shift
    done
    echo fetched ;;
  git)
    case ${1:-} in
      clone) for last; do :; done; last=${last##*/}; leave "${last%.git}" ;;
      fetch | pull | push | ls-remote | submodule) ;;
      *) exec /usr/bin/git "$@" ;;
    esac ;;
esac
exit 0
