package dev.millrace.spec;

import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Refuses the connector properties that Millrace sets itself. Any other value of such a property
/// would lose rows, change values or write to a place that Millrace does not read.
final class DebeziumCheck {

    private static final String NAMES = "it is derived from 'migration'";
    private static final String SESSIONS =
            "the engine connects by 'source.url' and its parameters, as every other session does";
    private static final String TABLES = "the captured tables are derived from 'tables'";
    private static final String VALUES = "values are carried as the text that PostgreSQL prints";
    private static final String POSITION =
            "the source position is committed in one transaction with the records";
    private static final String SNAPSHOT =
            "the snapshot and the replication slot are created" + " together";
    private static final String WAITS =
            "slot creation waits without a limit for transactions that are already open";
    private static final String EVENTS = "capture reads events in one fixed format";
    private static final String FAILURES =
            "a failure must stop capture; it must never skip a" + " change";
    private static final String WINDOWS =
            "Millrace writes the watermarks and reads the windows" + " itself";

    /// A name that ends in `.` or `*` covers every property that begins with it.
    private static final Map<String, String> OWNED =
            Map.ofEntries(
                    Map.entry("name", NAMES),
                    Map.entry("slot.name", NAMES),
                    Map.entry("topic.", NAMES),
                    Map.entry(
                            "publication.",
                            "Millrace creates the publication for exactly the declared tables"),
                    Map.entry("connector.class", "only the PostgreSQL connector is supported"),
                    Map.entry("tasks.max", "a replication slot has one consumer"),
                    Map.entry("plugin.name", "only pgoutput is supported"),
                    Map.entry("database.", SESSIONS),
                    Map.entry("driver.", SESSIONS),
                    Map.entry("table.", TABLES),
                    Map.entry("schema.", TABLES),
                    Map.entry("column.", TABLES),
                    Map.entry(
                            "message.key.columns",
                            "the record key is derived from the table's" + " replica identity"),
                    Map.entry("skipped.operations", TABLES),
                    Map.entry("snapshot.", SNAPSHOT),
                    Map.entry("create.slot.command.timeout", WAITS),
                    Map.entry("task.management.timeout.ms", WAITS),
                    Map.entry(
                            "slot.drop.on.stop",
                            "the slot keeps the WAL that is not yet in" + " the log"),
                    Map.entry("slot.stream.params", VALUES),
                    Map.entry(
                            "replica.identity.autoset.values",
                            "Millrace never alters source tables"),
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

    /// Properties that affect speed alone, not what is read or when it counts as delivered.
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
                                                    "is set by Millrace: " + why,
                                                    "remove it"));
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
