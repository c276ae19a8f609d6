package dev.millrace.preflight.environment;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/// Checks that the application finds a database of the same kind after a switchover: its settings
/// and the locale of its texts. Only reads, and only warns.
final class DatabaseChecks {

    /// Settings of every session of the database, whoever logs in.
    private static final String SETTINGS =
            """
            SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
            FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) AS setting
            WHERE s.setrole = 0 AND s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d
                WHERE d.datname = pg_catalog.current_database())
            """;

    private static final String LOCALE =
            """
            SELECT d.datcollate, d.datctype, coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
                coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', '')
            FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
            """;

    /// Their values are lists of names, which a literal would make one name.
    private static final Set<String> LISTS =
            Set.of(
                    "search_path",
                    "temp_tablespaces",
                    "session_preload_libraries",
                    "local_preload_libraries");

    private DatabaseChecks() {}

    static List<Finding> judge(Session source, Session target) {
        List<Finding> findings = new ArrayList<>();
        findings.addAll(settings(settings(source), settings(target), name(target)));
        findings.addAll(locale(locale(source), locale(target), name(target)));
        return findings;
    }

    private static SortedMap<String, String> settings(Session session) {
        SortedMap<String, String> settings = new TreeMap<>();
        session.texts(SETTINGS)
                .forEach(
                        row ->
                                settings.put(
                                        String.valueOf(row.getFirst()),
                                        String.valueOf(row.getLast())));
        return settings;
    }

    private static String name(Session session) {
        return Identifier.quote(
                String.valueOf(
                        session.texts("SELECT pg_catalog.current_database()")
                                .getFirst()
                                .getFirst()));
    }

    /// @param database the target's, quoted
    static List<Finding> settings(
            Map<String, String> source, Map<String, String> target, String database) {
        Findings findings = new Findings(CheckName.TARGET_DATABASE_SETTINGS);
        source.forEach(
                (name, value) -> {
                    String found = target.get(name);
                    if (!value.equals(found)) {
                        findings.warn(
                                "setting " + name,
                                new Measured(
                                        found == null ? "not set" : shown(name, found, "set"),
                                        shown(name, value, "another value")),
                                "is set for the source database and not, or otherwise, for the target database: the application's sessions run with another value after the switchover",
                                remedy(database, name, value));
                    }
                });
        return findings.orOk(
                "database settings", "are set for the target database as for the source database");
    }

    /// An application's own setting may be a secret, as a key with which it encrypts.
    private static String shown(String name, String value, String instead) {
        return name.contains(".") ? instead : value;
    }

    /// @param database the target's, quoted
    private static Remedy remedy(String database, String name, String value) {
        String statement = "ALTER DATABASE %s SET %s = %s;";
        if (LISTS.contains(name)) {
            return Remedy.onTarget(statement.formatted(database, name, value));
        }
        return name.contains(".")
                ? Remedy.byHand(
                        "Set it as on the source, where pg_db_role_setting has the value: "
                                + statement.formatted(database, name, "'...'"))
                : Remedy.onTarget(
                        statement.formatted(database, name, Identifier.literal(value).strip()));
    }

    private static String locale(Session session) {
        List<String> row = session.texts(LOCALE).getFirst().stream().map(String::valueOf).toList();
        String provider =
                switch (row.get(2)) {
                    case "i" -> "icu";
                    case "b" -> "builtin";
                    default -> "libc";
                };
        String locale = row.get(3).isEmpty() ? "" : " " + row.get(3);
        return "%s%s, collate %s, ctype %s".formatted(provider, locale, row.get(0), row.get(1));
    }

    /// @param database the target's, quoted
    static List<Finding> locale(String source, String target, String database) {
        Findings findings = new Findings(CheckName.TARGET_DATABASE_LOCALE);
        Measured measured = new Measured(target, source);
        if (!source.equals(target)) {
            findings.warn(
                    "database " + database,
                    measured,
                    "has another locale than the source database: texts sort, compare and change case differently after the switchover",
                    Remedy.byHand(
                            "Create the target database with the locale of the source (CREATE DATABASE … TEMPLATE template0 LOCALE …). Ignore this if the application states a collation wherever the order matters."));
        }
        return findings.orOk("database " + database, measured, "has the locale of the source");
    }
}
