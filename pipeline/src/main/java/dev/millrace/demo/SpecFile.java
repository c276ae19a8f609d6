package dev.millrace.demo;

import dev.millrace.sandbox.SandboxPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Writes the demo's migration file as a user would write it. Passwords stay in the servers'
/// password files.
final class SpecFile {

    private static final String ROUTE =
            """
            switchover:
              route:
                - flag: {side: source, table: app.routing, column: active, old: source, new: target}
            """;

    private SpecFile() {}

    static Path write(Path folder, Servers servers) {
        String text =
                "# Written by 'millrace demo'. You can also run: millrace plan -c THIS_FILE\n"
                        + "migration: demo\n"
                        + endpoint("source", servers.source(), Servers.SHOP)
                        + endpoint("target", servers.target(), Servers.MARKET)
                        + "data-dir: "
                        + quoted(folder.resolve("millrace").toString())
                        + "\n"
                        + ROUTE
                        + Shop.tables();
        Path file = folder.resolve("millrace.yaml");
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + file, e);
        }
        return file;
    }

    private static String endpoint(String side, SandboxPostgres server, String database) {
        return side
                + ":\n  url: "
                + server.jdbcUrl(database)
                + "\n  username: "
                + Servers.MILLRACE
                + "\n  password-file: "
                + quoted(server.passwordFile().toString())
                + "\n";
    }

    /// Quotes a path as a YAML string.
    private static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
