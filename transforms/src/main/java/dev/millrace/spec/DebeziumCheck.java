package dev.millrace.spec;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Which properties of the connector are Millrace's own, and why: each of them, set otherwise,
/// would lose rows, change values or write where Millrace doesn't look.
final class DebeziumCheck {

    private static final String NAMES = "it follows from 'migration'";
    private static final String SESSIONS =
            "the engine's sessions are opened as all others are, by 'source.url' and its parameters";
    private static final String TABLES = "what is captured follows from 'tables'";
    private static final String VALUES = "values travel as PostgreSQL's own text";
    private static final String POSITION =
            "position and records are committed together, exactly once";
    private static final String SNAPSHOT = "the snapshot and the slot are made in one start";
    private static final String WAITS =
            "a new slot is waited for as long as older transactions run";
    private static final String EVENTS = "the capture reads the events in one fixed form";
    private static final String FAILURES = "a failure stops the capture, never skips a change";
    private static final String WINDOWS = "watermarks and windows are Millrace's own";

    /// A name that ends in `.` or `*` stands for all that begin with it.
    private static final Map<String, String> OWNED =
            Map.ofEntries(
                    Map.entry("name", NAMES),
                    Map.entry("slot.name", NAMES),
                    Map.entry("topic.", NAMES),
                    Map.entry(
                            "publication.",
                            "Millrace makes the publication on exactly the tables named"),
                    Map.entry("connector.class", "there is one connector"),
                    Map.entry("tasks.max", "a slot has one reader"),
                    Map.entry("plugin.name", "only pgoutput is read"),
                    Map.entry("database.", SESSIONS),
                    Map.entry("driver.", SESSIONS),
                    Map.entry("table.", TABLES),
                    Map.entry("schema.", TABLES),
                    Map.entry("column.", TABLES),
                    Map.entry("message.key.columns", "the key is the table's own"),
                    Map.entry("skipped.operations", TABLES),
                    Map.entry("snapshot.", SNAPSHOT),
                    Map.entry("create.slot.command.timeout", WAITS),
                    Map.entry("task.management.timeout.ms", WAITS),
                    Map.entry("slot.drop.on.stop", "the slot holds what is not yet in the log"),
                    Map.entry("slot.stream.params", VALUES),
                    Map.entry(
                            "replica.identity.autoset.values",
                            "the source's tables are never changed"),
                    Map.entry("offset.", POSITION),
                    Map.entry("millrace.", POSITION),
                    Map.entry("lsn.flush.", POSITION),
                    Map.entry("flush.lsn.source", POSITION),
                    Map.entry("exactly.once.", POSITION),
                    Map.entry("provide.transaction.metadata", POSITION),
                    Map.entry("transaction.", POSITION),
                    Map.entry("converter*", VALUES),
                    Map.entry("key.converter*", VALUES),
                    Map.entry("value.converter*", VALUES),
                    Map.entry("header.converter*", VALUES),
                    Map.entry("binary.handling.mode", VALUES),
                    Map.entry("decimal.handling.mode", VALUES),
                    Map.entry("time.precision.mode", VALUES),
                    Map.entry("interval.handling.mode", VALUES),
                    Map.entry("hstore.handling.mode", VALUES),
                    Map.entry("money.fraction.digits", VALUES),
                    Map.entry("include.unknown.datatypes", VALUES),
                    Map.entry("unavailable.value.placeholder", VALUES),
                    Map.entry("field.name.adjustment.mode", VALUES),
                    Map.entry("tombstones.on.delete", EVENTS),
                    Map.entry("sourceinfo.struct.maker", EVENTS),
                    Map.entry("transforms*", EVENTS),
                    Map.entry("predicates*", EVENTS),
                    Map.entry("post.processors*", EVENTS),
                    Map.entry("event.", FAILURES),
                    Map.entry("errors.", FAILURES),
                    Map.entry("message.prefix.", WINDOWS),
                    Map.entry("signal.", WINDOWS),
                    Map.entry("incremental.", WINDOWS),
                    Map.entry("read.only", WINDOWS),
                    Map.entry("heartbeat.", WINDOWS),
                    Map.entry("notification.", WINDOWS));

    /// Tuning that changes neither what is read nor when it counts.
    private static final Set<String> TUNING = Set.of("snapshot.fetch.size");

    private final Problems problems;

    DebeziumCheck(Problems problems) {
        this.problems = problems;
    }

    Map<String, String> check(Map<Scalar, Scalar> properties) {
        Map<String, String> passed = new TreeMap<>();
        properties.forEach(
                (key, value) -> {
                    owner(key.text())
                            .ifPresent(
                                    why ->
                                            problems.add(
                                                    key,
                                                    "is Millrace's own: " + why,
                                                    "leave it out"));
                    passed.put(key.text(), value.text());
                });
        return passed;
    }

    static Optional<String> owner(String property) {
        String name = property.strip();
        if (TUNING.contains(name)) {
            return Optional.empty();
        }
        return OWNED.entrySet().stream()
                .filter(owned -> covers(owned.getKey(), name))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    private static boolean covers(String owned, String name) {
        if (owned.endsWith(".")) {
            return name.startsWith(owned);
        }
        return owned.endsWith("*")
                ? name.startsWith(owned.substring(0, owned.length() - 1))
                : name.equals(owned);
    }
}
