package dev.millrace.spec.text;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks a database URL: the driver can parse every URL that passes. Messages never print a URL,
/// because it may contain credentials.
public final class UrlCheck {

    private static final String FORM = "write jdbc:postgresql://host:port/database";
    private static final Pattern URL =
            Pattern.compile(
                    "jdbc:postgresql://(?<hosts>[^/?]*)(?<database>/[^?]*)?(?:\\?(?<query>.*))?");
    private static final Pattern HOST =
            Pattern.compile("(?:\\[[0-9A-Fa-f:.%]+]|[^\\s:\\[\\]]+)(?::(?<port>\\d{1,5}))?");
    private static final Pattern BROKEN_ESCAPE = Pattern.compile("%(?![0-9A-Fa-f]{2})");
    private static final Set<String> CREDENTIALS = Set.of("user", "password", "sslpassword");
    private static final String TARGET_SERVER_TYPE = "targetServerType";
    private static final Set<String> PRIMARY = Set.of("any", "primary", "master", "preferPrimary");

    /// Parameters that change how a session works, with the reason why they cannot be set.
    private static final Map<String, String> OWNED =
            Map.of(
                    "replication", "Millrace chooses the session that replicates",
                    "preferQueryMode", "Millrace chooses how statements are sent",
                    "readOnly", "Millrace chooses the sessions that write",
                    "readOnlyMode", "Millrace chooses the sessions that write",
                    "stringtype", "values are sent as text with their type",
                    "autosave", "Millrace chooses what a failure rolls back",
                    "service", "a service file exists on one machine only");

    private final BiConsumer<String, String> problems;

    /// @param problems takes each problem and its remedy
    public UrlCheck(BiConsumer<String, String> problems) {
        this.problems = problems;
    }

    public void check(String url) {
        Matcher parts = URL.matcher(url);
        if (!parts.matches()) {
            problems.accept("must begin with jdbc:postgresql:// and be a single line", FORM);
            return;
        }
        String query = parts.group("query") == null ? "" : parts.group("query");
        if (parts.group("hosts").contains("@") || containsCredentials(query)) {
            problems.accept(
                    "contains credentials, but URLs are printed in messages",
                    "use username and password, or password-file");
            return;
        }
        hosts(parts.group("hosts"));
        database(parts.group("database"));
        if (BROKEN_ESCAPE.matcher(url.substring(parts.end("hosts"))).find()) {
            problems.accept(
                    "has a % that does not begin an escape", "write %25 for a percent" + " sign");
        }
        parameters(query);
    }

    private void hosts(String hosts) {
        for (String host : hosts.split(",", -1)) {
            Matcher one = HOST.matcher(host);
            if (!one.matches() || !isPort(one.group("port"))) {
                problems.accept("has no valid host or port", FORM);
                return;
            }
        }
    }

    private void database(@Nullable String database) {
        if (database == null || database.length() < 2) {
            problems.accept("has no database name", FORM);
        } else if (database.indexOf('/', 1) > 0) {
            problems.accept("has a slash in the database's name", "write %2F for a slash");
        }
    }

    private void parameters(String query) {
        for (String parameter : query.split("&", -1)) {
            String[] parts = parameter.split("=", 2);
            String name = parts[0];
            String why = OWNED.get(name);
            if (why != null) {
                problems.accept("sets " + name + ", but " + why, "remove " + name);
            } else if (name.equals(TARGET_SERVER_TYPE)
                    && !(parts.length == 2 && PRIMARY.contains(parts[1]))) {
                problems.accept(
                        "selects a standby, but both databases must accept writes",
                        "set targetServerType=primary");
            }
        }
    }

    private static boolean isPort(@Nullable String port) {
        return port == null || (Integer.parseInt(port) >= 1 && Integer.parseInt(port) <= 65535);
    }

    private static boolean containsCredentials(String query) {
        for (String parameter : query.split("&", -1)) {
            String name = parameter.split("=", 2)[0].strip().toLowerCase(Locale.ROOT);
            if (CREDENTIALS.contains(name)) {
                return true;
            }
        }
        return false;
    }
}
