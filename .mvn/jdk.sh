# Sourced by ./mvnw and ./millrace: sets JAVA_HOME to a JDK 25 or newer, or prints what to install.
# The formatter runs in Maven's JVM, so a toolchain is not enough: Maven itself must run on this JDK.
millrace_jdk_fits() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    millrace_version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ "${millrace_version:-0}" -ge 25 ]
}
millrace_on_path=$(command -v javac 2>/dev/null || true)
[ -z "$millrace_on_path" ] || millrace_on_path=$(cd "$(dirname "$(readlink -f "$millrace_on_path" 2>/dev/null || echo "$millrace_on_path")")/.." 2>/dev/null && pwd)
millrace_found=
for millrace_jdk in "${JAVA_HOME:-}" "$millrace_on_path" /usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* \
    "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/* /Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    if [ -n "$millrace_jdk" ] && millrace_jdk_fits "$millrace_jdk"; then millrace_found=$millrace_jdk; break; fi
done
if [ -z "$millrace_found" ]; then
    echo "Millrace needs a JDK 25 or newer and found none. Install one (for example Eclipse Temurin 25) or set JAVA_HOME to it." >&2
    exit 2
fi
JAVA_HOME=$millrace_found
export JAVA_HOME
# Without unzip the wrapper would download an archive whose checksum is not pinned: unpack with the JDK instead.
if ! command -v unzip >/dev/null 2>&1; then
    unzip() {
        case $1 in -*) shift ;; esac
        (cd "$3" && "$JAVA_HOME/bin/jar" xf "$1") && find "$3" -path '*/bin/mvn*' -exec chmod +x {} +
    }
fi
