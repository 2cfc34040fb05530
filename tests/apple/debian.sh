# Debian's packages of another suite or processor, unpacked into a folder: an apt with lists and state of
# its own, that touches nothing of the system. Sourced after common.sh.

# unpack_debian [--without PATTERN] SUITE ARCH FOLDER PACKAGE…: the packages, and what they depend on but
# for names that match, under FOLDER (usr/include, usr/lib/…). FOLDER/.packages lists names and versions.
# Nothing is done where FOLDER has them already. sid moves: there a new month means new versions.
unpack_debian() {
  local without=""
  [ "$1" != --without ] || { without=$2 && shift 2; }
  local suite=$1 arch=$2 folder=$3 key fresh=$3.$$ month="" apt debs
  shift 3
  [ "$suite" != sid ] || month=$(date +%Y-%m)
  key=$(echo "$suite $arch $month $without $*" | cat - "$root/tests/apple/debian.sh" | sha256sum | cut -c 1-16)
  [ -e "$folder/.unpacked-$key" ] && return 0
  say "unpacking Debian's $suite packages for $arch"
  check_disk
  apt=$fresh/.apt debs=$fresh/.debs
  rm -rf "$fresh" && mkdir -p "$debs/partial" "$fresh/usr/lib" "$fresh/usr/bin" "$fresh/usr/sbin"
  (cd "$fresh" && ln -s usr/lib usr/bin usr/sbin .)
  update_apt "$suite" "$arch" "$apt"
  APT_CONFIG=$apt/apt.conf quietly "apt-get could not download $*" \
    apt-get install -y --download-only -o Dir::Cache::archives="$debs" "$@"
  unpack_debs "$debs" "$fresh" "$without"
  touch "$fresh/.unpacked-$key"
  rm -rf "$apt" "$debs" "$folder" && mv "$fresh" "$folder"
}

# The mirrors of Debian that the system's own apt is told of, then Debian's.
debian_mirrors() {
  {
    find /etc/apt/sources.list* \( -name '*.list' -o -name '*.sources' \) -exec grep -hv '^[[:space:]]*#' {} + 2>/dev/null |
      grep -oE '[a-z+]+:[^] ]+/debian/?([[:space:]]|$)' | sed 's![/[:space:]]*$!!' || true
    echo http://deb.debian.org/debian
  } | awk '!seen[$0]++'
}

# Configuration and lists in the folder APT, from the first mirror that has the suite. What the system's
# apt.conf says of proxies and certificates still holds.
update_apt() {
  local suite=$1 arch=$2 apt=$3 mirror
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/empty"
  : >"$apt/status"
  cat >"$apt/apt.conf" <<CONF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Languages "none";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/empty";
Dir::Etc::preferencesparts "$apt/empty";
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Post-Invoke;
CONF
  for mirror in $(debian_mirrors); do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
    { echo "+ apt-get update ($mirror $suite $arch)" && APT_CONFIG=$apt/apt.conf apt-get -o APT::Update::Error-Mode=any update; } \
      >>"$setup_log" 2>&1 && return 0
  done
  die "no mirror of Debian gave its list of $suite for $arch: is there a network? (details: $setup_log)"
}

# /lib stays a link to /usr/lib, and links that start at / lead into the folder instead. No maintainer's
# script is run.
unpack_debs() {
  local deb link without=$3
  for deb in "$1"/*.deb; do
    [[ -z $without || ! $(dpkg-deb -f "$deb" Package) =~ ^($without)$ ]] || continue
    dpkg-deb --fsys-tarfile "$deb" | tar -x --no-same-owner --keep-directory-symlink -C "$2" ||
      die "$(basename "$deb") can't be unpacked"
    dpkg-deb -f "$deb" Package Version | awk '{print $2}' | paste -sd ' ' >>"$2/.packages"
  done
  find "$2" -type l -lname '/*' | while read -r link; do
    ln -snfr "$2$(readlink "$link")" "$link"
  done
}
