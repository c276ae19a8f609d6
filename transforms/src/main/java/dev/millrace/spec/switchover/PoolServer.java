package dev.millrace.spec.switchover;

import dev.millrace.problem.NearestName;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server.Setting;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// Checks the connection settings of one server of PgBouncer: `host=… port=… dbname=…`. Messages
/// print no value. Stateless.
public final class PoolServer {

    /// The name of a database.
    public static final String DATABASE = "[A-Za-z0-9_.-]{1,63}";

    /// The settings of a database that PgBouncer knows, apart from its password.
    private static final Set<String> KNOWN =
            Set.of(
                    ("host port dbname user auth_user auth_query auth_dbname pool_size"
                                    + " min_pool_size reserve_pool reserve_pool_size connect_query"
                                    + " pool_mode load_balance_hosts max_db_connections"
                                    + " max_db_client_connections server_lifetime client_encoding"
                                    + " datestyle timezone application_name")
                            .split(" "));

    private static final String FORM = "write host=… port=… dbname=…";

    private PoolServer() {}

    /// @param problems takes a problem of the text and its remedy
    /// @return null when a problem was reported
    public static @Nullable Server read(String text, BiConsumer<String, String> problems) {
        Optional<Server> server = Server.parse(text);
        if (server.isEmpty()) {
            problems.accept("is not a list of name=value", FORM);
            return null;
        }
        Set<String> names = new HashSet<>();
        for (Setting setting : server.get().settings()) {
            String problem = problem(setting.name(), setting.value(), names);
            if (!problem.isEmpty()) {
                problems.accept(problem, remedy(setting.name()));
                return null;
            }
        }
        if (!names.contains("host")) {
            problems.accept("names no host", FORM);
            return null;
        }
        return server.get();
    }

    /// @return empty when there is none
    private static String problem(String name, String value, Set<String> names) {
        if (name.equals("password")) {
            return "contains a password, but it is written to PgBouncer's file and may be printed";
        }
        if (!KNOWN.contains(name)) {
            return "sets " + name + ", which PgBouncer does not know";
        }
        if (!names.add(name)) {
            return "sets " + name + " twice";
        }
        if (name.equals("pool_mode") && !value.matches("transaction|statement")) {
            return "pools sessions, so PAUSE would wait until every client disconnects";
        }
        return "";
    }

    private static String remedy(String name) {
        return switch (name) {
            case "password" -> "put the password into PgBouncer's auth_file";
            case "pool_mode" -> "set pool_mode=transaction";
            default -> KNOWN.contains(name) ? "keep one" : NearestName.hint(name, KNOWN);
        };
    }
}
