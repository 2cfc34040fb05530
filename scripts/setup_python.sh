# The Python environment: which Python makes it, and what is installed into it. Sourced by setup.sh.

# The versions that ONNX Runtime, PyTorch and the tests' packages, as pinned, all have wheels for.
python_versions="3.11 to 3.14"

# is_supported_python PYTHON [MODULE]: and it has the module.
is_supported_python() {
  "$1" -c "import sys, ${2:-os}; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))" >/dev/null 2>&1
}

# The first that can make an environment. Apple's own python3 is too old, Debian's has no ensurepip until
# python3-venv is installed, and one that is too new may come before others.
find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    is_supported_python "$name" ensurepip && command -v "$name" && return 0
  done
  return 1
}

make_venv() {
  local python
  python=$(find_python) ||
    die "Python $python_versions with ensurepip is needed and none is found: install one, then run this again"
  check_disk
  if [ -e "$venv" ] || [ -L "$venv" ]; then
    say "making the Python environment anew: $venv has no Python $python_versions"
    rm -rf "$venv"
  else
    say "making a Python environment"
  fi
  quietly "$python could not make a Python environment" "$python" -m venv "$venv"
}

# The Python environment, with the packages of each given requirements file.
install_python() {
  local file stamp
  is_supported_python "$venv/bin/python" || make_venv
  for file in "$@"; do
    stamp=$venv/.installed-$(basename "$(dirname "$file")")-$(sha256_of "$file")
    [ -e "$stamp" ] && continue
    say "installing Python packages of ${file#"$root"/}"
    check_disk
    quietly "pip could not install ${file#"$root"/}: is there a network?" "$venv/bin/python" -m pip install --disable-pip-version-check -r "$file"
    touch "$stamp"
  done
}
