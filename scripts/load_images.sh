#!/usr/bin/env bash
# Brings images that were built on this machine to the nodes of the cluster that KUBECONFIG names.
#   scripts/load_images.sh IMAGE...
# kind and minikube have commands for it; for any other cluster set TALK_E2E_LOAD, such as "docker push".
set -euo pipefail

context=$(kubectl config current-context)
case $context in
  kind-*)
    archive=$(mktemp --suffix .tar); trap 'rm -f "$archive"' EXIT
    "$(command -v podman || echo docker)" save -o "$archive" "$@"
    kind load image-archive --name "${context#kind-}" "$archive" ;;
  minikube) for image in "$@"; do minikube image load "$image"; done ;;
  *)
    echo "load_images: the context $context is neither kind's nor minikube's." >&2
    echo "Set TALK_E2E_LOAD to a command that takes image names and brings them to its nodes." >&2
    exit 1 ;;
esac
