#!/usr/bin/env bash
# Installs Latchkey as a service on Raspberry Pi OS (or Debian), Bookworm or Trixie. May be run again, to update.
#
#   sudo deploy/install.sh              install or update
#   deploy/install.sh --dry-run         print the commands, change nothing
#   sudo deploy/install.sh --edgetpu    with what a Coral USB Accelerator needs
#   sudo deploy/install.sh --uninstall  take it away, but for the configuration and the database
#
# Options:
#   --libedgetpu FILE   with --edgetpu: install this .deb of libedgetpu, built for TensorFlow 2.13 to 2.15
#
# What goes where: program /opt/latchkey, configuration /etc/latchkey/agent.toml (never overwritten), database
# and the site's key /var/lib/latchkey, unit /etc/systemd/system/latchkey.service, command /usr/local/bin/latchkey.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=/opt/latchkey
source_copy=/opt/latchkey.source
config=/etc/latchkey/agent.toml
unit=/etc/systemd/system/latchkey.service
rule=/etc/udev/rules.d/99-coral.rules
command=/usr/local/bin/latchkey
# other places for tests
os_release=${LATCHKEY_OS_RELEASE:-/etc/os-release}
apt_sources=${LATCHKEY_APT_SOURCES:-/etc/apt}

dry_run=false
edgetpu=false
uninstall=false
libedgetpu=""

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '# %s\n' "$*"
}

# Runs a command, or prints it with --dry-run.
run() {
    if $dry_run; then
        printf '%q ' "$@" | sed 's/ $//'
        printf '\n'
    else
        "$@"
    fi
}

usage() {
    sed -n '/^#!/d; /^#/!q; s/^# \{0,1\}//; p' "${BASH_SOURCE[0]}"
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --dry-run) dry_run=true ;;
        --edgetpu) edgetpu=true ;;
        --uninstall) uninstall=true ;;
        --libedgetpu)
            [ $# -ge 2 ] || fail "--libedgetpu wants a file"
            libedgetpu=$2
            edgetpu=true
            shift
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) fail "there is no option $1; see --help" ;;
        esac
        shift
    done
}

check_system() {
    [ -r "$os_release" ] || fail "cannot read $os_release: is this Raspberry Pi OS?"
    local id codename
    id=$(sed -n 's/^ID=//p' "$os_release" | tr -d '"')
    codename=$(sed -n 's/^VERSION_CODENAME=//p' "$os_release" | tr -d '"')
    case $id in
    debian | raspbian) ;;
    *) fail "this is $id $codename; wanted is Raspberry Pi OS (or Debian), Bookworm or Trixie" ;;
    esac
    case $codename in
    bookworm | trixie) release=$codename ;;
    *) fail "this is $id $codename; wanted is Bookworm (Python 3.11) or Trixie (Python 3.13)" ;;
    esac
    # Not uname: a 32-bit system on a 64-bit kernel is common on the Pi.
    architecture=${LATCHKEY_ARCH:-$(dpkg --print-architecture)} # another one for tests
    case $architecture in
    arm64 | amd64 | armhf) ;;
    *) fail "there is no TFLite runtime for $architecture; wanted is arm64, armhf or amd64" ;;
    esac
    if [ "$architecture" = armhf ] && [ "$release" = trixie ]; then
        fail "there is no TFLite runtime for 32-bit Trixie (tflite-runtime ends at Python 3.11): take the 64-bit system, or Bookworm"
    fi
    if $edgetpu && [ "$release" = trixie ]; then
        fail "a Coral needs tflite-runtime, which ends at Python 3.11: take Bookworm"
    fi
}

check_files() {
    local file
    for file in pyproject.toml systemd/latchkey.service deploy/agent.example.toml deploy/99-coral.rules; do
        [ -f "$checkout/$file" ] || fail "$checkout/$file is not there: run this from a whole checkout of Latchkey"
    done
    if [ -n "$libedgetpu" ]; then
        [ -f "$libedgetpu" ] || fail "there is no file $libedgetpu"
    elif $edgetpu && ! $dry_run && ! ldconfig -p | grep -q 'libedgetpu\.so\.1'; then
        fail "libedgetpu.so.1 is not installed. Google's package is built for TensorFlow 2.5 and crashes" \
            "tflite-runtime 2.14 (github.com/google-coral/edgetpu/issues/812): get one built for 2.13 to 2.15," \
            "for instance from github.com/feranick/libedgetpu/releases, and give it with --libedgetpu FILE"
    fi
}

check_root() {
    if ! $dry_run && [ "$(id -u)" != 0 ]; then
        fail "has to be run by root: sudo $0 ... (--dry-run shows what it would do)"
    fi
}

install_packages() {
    say "programs and libraries that belong to the system"
    local packages=(python3 python3-venv python3-gpiozero python3-lgpio python3-evdev)
    export DEBIAN_FRONTEND=noninteractive
    run apt-get update
    if grep -rqs archive.raspberrypi "$apt_sources"; then
        packages+=(python3-picamera2)
    else
        say "no Raspberry Pi archive in $apt_sources, so no python3-picamera2: cameras by USB and network only"
    fi
    if [ -n "$libedgetpu" ]; then
        packages+=("$(realpath "$libedgetpu")")
    fi
    run apt-get install --yes --no-install-recommends "${packages[@]}"
}

make_user() {
    say "the service's user, with access to cameras, pins and USB"
    local group
    for group in video gpio plugdev input; do
        run groupadd --system --force "$group"
    done
    if ! id -u latchkey >/dev/null 2>&1; then
        run useradd --system --user-group --home-dir /var/lib/latchkey --no-create-home --shell /usr/sbin/nologin latchkey
    fi
    run usermod --append --groups video,gpio,plugdev,input latchkey
}

install_program() {
    say "the program, in an environment that sees the system's picamera2"
    local extras=pi,web as=() pins=()
    # The system's picamera2 is built for the system's numpy: 1 on Bookworm, where numpy 2 breaks it
    # (github.com/raspberrypi/picamera2/issues/1088).
    if [ "$release" = bookworm ]; then
        pins=("numpy<2")
    fi
    if wants_tflite; then
        extras=pi,web,tflite
    fi
    if [ "$architecture" = armhf ]; then
        as=(linux32) # so that pip does not take a 64-bit kernel for a 64-bit system
    fi
    # From a copy: building leaves files behind that would get into the next installation.
    run rm -rf "$source_copy"
    run install -d -m 755 "$source_copy"
    run cp -R "$checkout/agent" "$checkout/training" "$checkout/pyproject.toml" "$checkout/README.md" "$source_copy"
    run /usr/bin/python3 -m venv --system-site-packages "$prefix"
    run "${as[@]}" "$prefix/bin/python" -m pip install --quiet --upgrade pip
    run "${as[@]}" "$prefix/bin/python" -m pip install --quiet --upgrade "${source_copy}[$extras]" "${pins[@]}"
    run rm -rf "$source_copy"
    run ln -sfn "$prefix/bin/latchkey" "$command"
}

wants_tflite() {
    $edgetpu || [ "$architecture" = armhf ]
}

install_config() {
    run install -d -m 750 -g latchkey /etc/latchkey
    if [ -e "$config" ]; then
        say "$config is kept as it is"
        if wants_tflite; then
            say "see to it that it says: [engine] runtime = \"tflite-runtime\""
        fi
        return
    fi
    say "a configuration to begin with"
    run install -m 640 -g latchkey "$checkout/deploy/agent.example.toml" "$config"
    if wants_tflite; then
        run sed -i 's/^#runtime = "ai-edge-litert" /runtime = "tflite-runtime"   /' "$config"
    fi
}

install_key() {
    say "the site's key, which seals what is kept of faces; one that is there stays"
    run install -d -m 700 -o latchkey -g latchkey /var/lib/latchkey
    local place
    for place in /var/lib/latchkey/site.key /etc/credstore/latchkey.site_key /etc/credstore.encrypted/latchkey.site_key; do
        if [ -e "$place" ]; then
            say "$place is kept as it is"
            return
        fi
    done
    # As the service's user, so that it is theirs. Where the configuration names another place, this says so.
    run runuser -u latchkey -- "$prefix/bin/latchkey" keys create --config "$config" ||
        say "no key was made; the service says at its start whether it wants one"
}

install_service() {
    say "the service"
    run install -m 644 "$checkout/systemd/latchkey.service" "$unit"
    if $edgetpu; then
        run install -m 644 "$checkout/deploy/99-coral.rules" "$rule"
        run udevadm control --reload
        run udevadm trigger --subsystem-match=usb
    fi
    run systemctl daemon-reload
    run systemctl enable latchkey.service
    run systemctl try-restart latchkey.service
}

say_what_next() {
    say "installed. What next:"
    say "  1. sudo nano $config"
    say "  2. sudo -u latchkey latchkey check --config $config"
    say "  3. sudo systemctl start latchkey"
    say "  4. keep a copy of the site's key, apart from this device: sudo latchkey keys export --yes --config $config"
    say "With a broker: deploy/README.md makes the certificates, and goes on from here to staff at the door."
    say "With a relay: fit a 10 kOhm resistor from its pin to the locked level, and add dtparam=strict_gpiod to"
    say "/boot/firmware/config.txt, so that the kernel lets go of the pin when the program dies."
    if $edgetpu; then
        say "The Coral takes models compiled for it: set [models], and delegate = \"edgetpu\" in [engine]."
    fi
}

remove_all() {
    say "the service, the program and its command"
    if [ -e "$unit" ]; then
        run systemctl disable --now latchkey.service
    fi
    run rm -f "$unit" "$rule" "$command"
    run rm -rf "$prefix"
    run systemctl daemon-reload
    say "kept: /etc/latchkey, /var/lib/latchkey (faces and events) and the user latchkey. To remove them too:"
    say "  sudo rm -r /etc/latchkey /var/lib/latchkey && sudo userdel latchkey"
}

read_options "$@"
check_root
if $uninstall; then
    remove_all
    exit 0
fi
check_system
check_files
install_packages
make_user
install_program
install_config
install_key
install_service
say_what_next
