package dev.millrace.preflight.environment;

import dev.millrace.change.TableId;
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
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Checks what lies around the tables: whether the sessions are the servers' own, how much memory
/// decoding has, what is logged, autovacuum, extensions, large objects and clocks. Only reads.
public final class EnvironmentChecks {

    /// Millrace's own functions are written in it.
    private static final String LANGUAGE = "plpgsql";

    private static final long DECODING_KB = 64L * 1024;
    private static final String DECODING_MEMORY = "logical_decoding_work_mem";

    /// A difference that people do not notice in a time stamp.
    private static final long CLOCKS_MS = 1_000;

    private static final String EXTENSIONS =
            "SELECT extname FROM pg_catalog.pg_extension ORDER BY extname";

    private static final String CLOCK =
            "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint";

    private EnvironmentChecks() {}

    /// @param columns the columns that are written, by target table
    public static List<Finding> judge(
            Session source, Session target, Map<TableId, List<String>> columns) {
        List<Finding> findings = new ArrayList<>();
        findings.addAll(direct(CheckName.SOURCE_DIRECT, "source", source.isDirect()));
        findings.addAll(direct(CheckName.TARGET_DIRECT, "target", target.isDirect()));
        findings.addAll(decodingMemory(Setting.read(source, DECODING_MEMORY)));
        findings.addAll(statementLog(Setting.read(target, "log_statement")));
        findings.addAll(autovacuum(withoutAutovacuum(target, columns.keySet())));
        findings.addAll(extensions(names(source), names(target)));
        findings.addAll(largeObjects(hasLargeObjects(source), references(target, columns)));
        findings.addAll(DatabaseChecks.judge(source, target));
        long before = milliseconds(source);
        long there = milliseconds(target);
        findings.addAll(clocks(before, there, milliseconds(source)));
        return findings;
    }

    static List<Finding> direct(CheckName check, String side, boolean direct) {
        Findings findings = new Findings(check);
        if (!direct) {
            findings.refuse(
                    side,
                    "is reached through a connection pooler, which shares sessions between clients and carries no replication",
                    Remedy.byHand(
                            "Set %s.url to the address of the PostgreSQL server itself."
                                    .formatted(side)));
        }
        return findings.orOk(side, "is reached without a connection pooler");
    }

    /// A server setting with the place where its value comes from.
    ///
    /// @param place as `pg_settings.source` names it
    record Setting(String name, String value, String place, String database, String role) {

        static Setting read(Session session, String name) {
            List<String> row =
                    session
                            .texts(
                                    "SELECT setting, source, pg_catalog.current_database(), current_user FROM pg_catalog.pg_settings WHERE name = "
                                            + Identifier.literal(name))
                            .getFirst()
                            .stream()
                            .map(String::valueOf)
                            .toList();
            return new Setting(name, row.get(0), row.get(1), row.get(2), row.get(3));
        }

        /// The statement that removes the value, or replaces the server's.
        String remedy(String ofServer) {
            String ofRole = "ALTER ROLE " + Identifier.quote(role);
            String ofDatabase = "DATABASE " + Identifier.quote(database);
            return switch (place) {
                case "database" -> "ALTER " + ofDatabase + " RESET " + name + ";";
                case "user" -> ofRole + " RESET " + name + ";";
                case "database user" -> ofRole + " IN " + ofDatabase + " RESET " + name + ";";
                default -> ofServer;
            };
        }
    }

    static List<Finding> decodingMemory(Setting setting) {
        Findings findings = new Findings(CheckName.SOURCE_DECODING_MEMORY);
        long kilobytes = Long.parseLong(setting.value());
        Measured measured = new Measured(kilobytes + " kB", DECODING_KB + " kB");
        if (kilobytes < DECODING_KB) {
            findings.warn(
                    DECODING_MEMORY,
                    measured,
                    "is %d kB: the source writes every larger transaction to its disk and reads it again before it sends it"
                            .formatted(kilobytes),
                    Remedy.onSource(
                            setting.remedy(
                                    "ALTER SYSTEM SET %s = '64MB'; SELECT pg_reload_conf();"
                                            .formatted(DECODING_MEMORY))));
        }
        return findings.orOk(DECODING_MEMORY, measured, "keeps usual transactions in memory");
    }

    static List<Finding> statementLog(Setting setting) {
        Findings findings = new Findings(CheckName.TARGET_STATEMENT_LOG);
        Measured measured = new Measured(setting.value(), "none or ddl");
        if (setting.value().equals("all") || setting.value().equals("mod")) {
            findings.warn(
                    "log_statement",
                    measured,
                    "is %s: the target server writes the statements of Millrace to its log, with values of rows"
                            .formatted(setting.value()),
                    Remedy.onTarget(
                            setting.remedy(
                                    "ALTER ROLE %s SET log_statement = 'ddl';"
                                            .formatted(Identifier.quote(setting.role())))));
        }
        return findings.orOk("log_statement", measured, "keeps values of rows out of the log");
    }

    /// Tables, and partitions of tables, that switch autovacuum off.
    private static List<String> withoutAutovacuum(Session target, Set<TableId> tables) {
        List<String> off = new ArrayList<>();
        for (TableId table : tables) {
            target.texts(
                            """
                            SELECT format('%%I.%%I', n.nspname, c.relname)
                            FROM pg_catalog.pg_class c
                            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                            WHERE c.reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off',
                                    'autovacuum_enabled=0', 'autovacuum_enabled=no']
                                AND c.oid = ANY (ARRAY(SELECT to_regclass(%1$s)::oid
                                    UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(to_regclass(%1$s)) t))
                            ORDER BY 1
                            """
                                    .formatted(Identifier.literal(Identifier.quote(table))))
                    .forEach(row -> off.add(String.valueOf(row.getFirst())));
        }
        return off;
    }

    /// @param tables quoted names
    static List<Finding> autovacuum(List<String> tables) {
        Findings findings = new Findings(CheckName.TARGET_AUTOVACUUM);
        for (String table : tables) {
            findings.warn(
                    "table " + table,
                    new Measured("off", "on"),
                    "has autovacuum off: it gets no statistics, so queries are slow after the switchover",
                    Remedy.onTarget("ALTER TABLE " + table + " RESET (autovacuum_enabled);"));
        }
        return findings.orOk("target tables", "get statistics from autovacuum");
    }

    private static Set<String> names(Session session) {
        return session.texts(EXTENSIONS).stream()
                .map(row -> String.valueOf(row.getFirst()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    static List<Finding> extensions(Set<String> source, Set<String> target) {
        Findings findings = new Findings(CheckName.TARGET_EXTENSIONS);
        Set<String> needed = new TreeSet<>(source);
        needed.add(LANGUAGE);
        needed.removeAll(target);
        for (String name : needed) {
            String object = "extension " + name;
            Remedy remedy = Remedy.onTarget("CREATE EXTENSION " + Identifier.quote(name) + ";");
            Measured measured = new Measured("not installed", "installed");
            if (name.equals(LANGUAGE)) {
                findings.refuse(
                        object,
                        measured,
                        "is not installed on the target; the functions in the schema millrace need it",
                        remedy);
            } else {
                findings.warn(
                        object,
                        measured,
                        "is installed on the source and not on the target: the application may use its types, functions or indexes",
                        remedy);
            }
        }
        return findings.orOk("extensions", "the target has each one of the source");
    }

    private static boolean hasLargeObjects(Session source) {
        return !source.texts("SELECT FROM pg_catalog.pg_largeobject_metadata LIMIT 1").isEmpty();
    }

    /// Columns that can name a large object, as `schema.table.column`.
    private static List<String> references(Session target, Map<TableId, List<String>> columns) {
        List<String> references = new ArrayList<>();
        columns.forEach(
                (table, names) ->
                        target
                                .texts(
                                        """
                                        SELECT a.attname FROM pg_catalog.pg_attribute a
                                        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                                        WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0
                                            AND (t.oid = 'oid'::regtype OR t.typbasetype = 'oid'::regtype)
                                        ORDER BY a.attnum
                                        """
                                                .formatted(
                                                        Identifier.literal(
                                                                Identifier.quote(table))))
                                .stream()
                                .map(row -> String.valueOf(row.getFirst()))
                                .filter(names::contains)
                                .forEach(name -> references.add(table + "." + name)));
        return references;
    }

    static List<Finding> largeObjects(boolean exist, List<String> references) {
        Findings findings = new Findings(CheckName.SOURCE_LARGE_OBJECTS);
        if (exist) {
            for (String column : references) {
                findings.warn(
                        "column " + column,
                        "can name large objects, which the source has: only their numbers are copied, not their content",
                        Remedy.byHand(
                                "Keep the content in a column of type bytea (lo_get reads it), and select that column instead. Ignore this if the column names no large object."));
            }
        }
        return findings.orOk("large objects", "no column of the mappings names one");
    }

    private static long milliseconds(Session session) {
        return Long.parseLong(String.valueOf(session.texts(CLOCK).getFirst().getFirst()));
    }

    /// @param before the source's clock before the target's was read
    /// @param after the source's clock after that
    static List<Finding> clocks(long before, long target, long after) {
        Findings findings = new Findings(CheckName.TARGET_CLOCK);
        long apart = Math.max(Math.max(before - target, target - after), 0);
        Measured measured = new Measured(apart + " ms", CLOCKS_MS + " ms");
        if (apart > CLOCKS_MS) {
            findings.warn(
                    "clocks",
                    measured,
                    "of both servers differ by %d ms: after a switchover, times that the application's rows take from now() jump by that"
                            .formatted(apart),
                    Remedy.byHand("Synchronize the clocks of both servers with NTP."));
        }
        return findings.orOk("clocks", measured, "of both servers agree");
    }
}
