package dev.millrace.route;

import dev.millrace.postgres.SessionFactory;
import dev.millrace.route.TrafficRoute.Finding;
import dev.millrace.route.TrafficRoute.Finding.Status;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// Checks the file and the admin console of one database of PgBouncer. Changes neither; makes and
/// removes a copy of the file to see whether it can be replaced.
///
/// @param longestHold how long a switchover may hold clients
record PgBouncerCheck(
        Route.PgBouncer pool, SessionFactory sessions, PoolFile file, Duration longestHold) {

    private static final String CHECK = "route.pgbouncer";
    private static final Pattern INCLUDE =
            Pattern.compile("^[ \\t]*%include[ \\t]+([^\\r\\n]+)", Pattern.MULTILINE);

    /// @param now the server that is used
    /// @param next the server that the next attempt sets
    List<Finding> check(Server now, Server next) {
        List<Finding> findings = new ArrayList<>();
        checkFile(now, next, findings);
        try (PoolConsole console = PoolConsole.open(sessions, pool.database())) {
            checkPool(console, now, findings);
            checkSettings(console, findings);
        } catch (SQLException e) {
            findings.add(
                    new Finding(
                            Status.UNREACHABLE,
                            CHECK,
                            "admin",
                            "the admin console accepts no session: " + SideTransaction.reason(e),
                            "Start PgBouncer, or correct admin, username and password."));
        }
        return findings.isEmpty()
                ? List.of(
                        new Finding(
                                Status.OK,
                                CHECK,
                                pool.database(),
                                "can be paused and given another server",
                                ""))
                : findings;
    }

    private void checkFile(Server now, Server next, List<Finding> findings) {
        String object = file.file().toString();
        Optional<Server> line;
        try {
            line = file.server();
        } catch (IOException _) {
            findings.add(refused(object, "cannot be read", "Correct config, or allow it."));
            return;
        }
        if (line.isEmpty()) {
            findings.add(
                    refused(
                            object,
                            "does not have exactly one line for this database",
                            "Add the line: " + pool.database() + " = " + now.line()));
        } else if (line.get().means(next)) {
            findings.add(
                    refused(
                            object,
                            "already has the settings that this attempt would write",
                            "Write the line back, or exchange old and new."));
        } else if (!line.get().means(now)) {
            findings.add(
                    refused(
                            object,
                            "has neither the old nor the new settings for this database",
                            "Write exactly the settings of the file into old."));
        }
        try {
            file.checkWritable();
        } catch (IOException | UnsupportedOperationException _) {
            findings.add(
                    refused(
                            object,
                            "cannot be replaced with its mode and group kept",
                            "Let Millrace write its folder, and make Millrace a member of the"
                                    + " file's group."));
        }
    }

    private void checkPool(PoolConsole console, Server now, List<Finding> findings)
            throws SQLException {
        Optional<PoolConsole.Pool> known = console.pool();
        if (known.isEmpty()) {
            findings.add(
                    refused(
                            pool.database(),
                            "is not a database of this PgBouncer",
                            "Correct database, or include the file in pgbouncer.ini."));
            return;
        }
        if (!console.uses(now)) {
            findings.add(
                    refused(
                            pool.database(),
                            "uses another server than its line in the file",
                            "Run RELOAD, and include the file in pgbouncer.ini."));
        }
        if (known.get().disabled()) {
            findings.add(refused(pool.database(), "is disabled", "Run ENABLE on it."));
        }
        if (known.get().paused()) {
            findings.add(
                    refused(
                            pool.database(),
                            "is paused, so its clients wait",
                            "Run RESUME on it if no switchover is running."));
        }
        String mode =
                known.get().poolMode().isEmpty()
                        ? console.setting("pool_mode")
                        : known.get().poolMode();
        if (mode.equals("session")) {
            findings.add(sessionPool(pool.database()));
        }
        console.usersWithMode("session").stream()
                .filter(_ -> !mode.equals("session"))
                .forEach(user -> findings.add(sessionPool(pool.database() + ", user " + user)));
    }

    private static Finding sessionPool(String object) {
        return refused(
                object,
                "pools sessions, so PAUSE would wait until every client disconnects",
                "Set pool_mode=transaction.");
    }

    private void checkSettings(PoolConsole console, List<Finding> findings) throws SQLException {
        List<String> admins =
                Arrays.stream(console.setting("admin_users").split(","))
                        .map(String::strip)
                        .toList();
        if (!admins.contains(pool.admin().username())
                && !console.setting("auth_type").equals("any")) {
            findings.add(
                    refused(
                            "admin_users",
                            "does not contain this user, so it cannot send PAUSE",
                            "Add the user to admin_users in pgbouncer.ini."));
        }
        String wait = console.setting("query_wait_timeout");
        if (wait.matches("[1-9][0-9]{0,8}")
                && Duration.ofSeconds(Long.parseLong(wait)).compareTo(longestHold) <= 0) {
            findings.add(
                    new Finding(
                            Status.WARNING,
                            CHECK,
                            "query_wait_timeout",
                            "is " + wait + " s: a client that waits longer is disconnected",
                            "Set it above switchover.timeout."));
        }
        if (!isIncluded(console.setting("conffile"))) {
            findings.add(
                    refused(
                            file.file().toString(),
                            "is not included by PgBouncer's configuration file",
                            "Write %include " + file.file() + " under [databases] there."));
        }
    }

    /// True also when PgBouncer's configuration file cannot be read here: then what PgBouncer uses
    /// after a RELOAD decides.
    private boolean isIncluded(String configuration) {
        try {
            Path main = Path.of(configuration);
            if (!main.isAbsolute() || !Files.isReadable(main) || Files.isDirectory(main)) {
                return true;
            }
            Path included = file.file().toRealPath();
            if (main.toRealPath().equals(included)) {
                return true;
            }
            for (var line : INCLUDE.matcher(Files.readString(main)).results().toList()) {
                Path named = Path.of(line.group(1).strip());
                boolean sameName = named.getFileName().equals(file.file().getFileName());
                if (named.isAbsolute()
                        ? Files.exists(named) && named.toRealPath().equals(included)
                        : sameName) {
                    return true;
                }
            }
            return false;
        } catch (IOException | InvalidPathException _) {
            return true;
        }
    }

    private static Finding refused(String object, String message, String remedy) {
        return new Finding(Status.REFUSED, CHECK, object, message, remedy);
    }
}
