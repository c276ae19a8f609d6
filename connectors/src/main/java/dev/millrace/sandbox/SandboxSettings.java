package dev.millrace.sandbox;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The settings of a [SandboxPostgres]. Immutable.
///
/// @param binaries a folder that servers share, into which PostgreSQL is unpacked once
/// @param port the port; 0 for the port of the previous start in this folder if it is free,
///   otherwise any free port
/// @param archive a jar with the binaries of another version of PostgreSQL than the one on the
///   class path
/// @param server server parameters of PostgreSQL; `wal_level` is `logical` by default
public record SandboxSettings(
        Path binaries,
        Optional<Path> archive,
        int port,
        Durability durability,
        Map<String, String> server) {

    public SandboxSettings {
        server = Map.copyOf(server);
        for (String name : server.keySet()) {
            if (!name.matches("[a-z][a-z0-9_.]*")) {
                throw new IllegalArgumentException("Not the name of a server parameter: " + name);
            }
        }
    }

    public static SandboxSettings durable(Path binaries) {
        return new SandboxSettings(binaries, Optional.empty(), 0, Durability.DURABLE, Map.of());
    }

    public static SandboxSettings fast(Path binaries) {
        return new SandboxSettings(binaries, Optional.empty(), 0, Durability.FAST, Map.of());
    }

    public SandboxSettings onPort(int chosen) {
        return new SandboxSettings(binaries, archive, chosen, durability, server);
    }

    /// Another version of PostgreSQL, 14 or newer.
    ///
    /// @param jar of `io.zonky.test.postgres`, for this machine
    public SandboxSettings from(Path jar) {
        return new SandboxSettings(binaries, Optional.of(jar), port, durability, server);
    }

    public SandboxSettings with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(server);
        more.put(name, value);
        return new SandboxSettings(binaries, archive, port, durability, more);
    }

    /// The text of the file that `postgresql.conf` includes. ALTER SYSTEM overrides it.
    String configuration(int chosenPort) {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("port", Integer.toString(chosenPort));
        all.put("listen_addresses", "127.0.0.1");
        all.put("unix_socket_directories", "");
        all.put("wal_level", "logical");
        all.put("timezone", "UTC");
        all.putAll(durability.settings());
        all.putAll(server);
        StringBuilder text = new StringBuilder();
        all.forEach(
                (name, value) ->
                        text.append(name)
                                .append(" = '")
                                .append(value.replace("'", "''"))
                                .append("'\n"));
        return text.toString();
    }

    /// How durable a committed transaction is.
    public enum Durability {
        /// A committed transaction is on disk: fsync, full pages, synchronous commit.
        DURABLE(Map.of("fsync", "on", "full_page_writes", "on", "synchronous_commit", "on")),
        /// Fast; data is lost when the machine fails. A killed server still recovers what the
        /// operating system has.
        FAST(Map.of("fsync", "off", "full_page_writes", "off", "synchronous_commit", "off"));

        private final Map<String, String> settings;

        Durability(Map<String, String> settings) {
            this.settings = settings;
        }

        Map<String, String> settings() {
            return settings;
        }
    }
}
